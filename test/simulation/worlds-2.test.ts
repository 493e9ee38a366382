import { worldsAreSound } from './worlds.ts';

worldsAreSound(151, 300);
