import { worldsAreSound } from './worlds.ts';

worldsAreSound(4);
