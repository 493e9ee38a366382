import { worldsAreSound } from './worlds.ts';

worldsAreSound(3);
