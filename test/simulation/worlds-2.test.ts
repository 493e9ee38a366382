import { worldsAreSound } from './worlds.ts';

worldsAreSound(101, 200);
