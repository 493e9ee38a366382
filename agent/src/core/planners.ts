import { planImage, planNetwork, planStorage } from './plan-fabric.ts';
import { planGuest } from './plan-guest.ts';
import { planRetry } from './plan-retry.ts';

/** Every rule by which the agent decides. Handed to the loop rather than imported by it, so that the simulation can switch one off and see what breaks. */
export const PLANNERS = { storage: planStorage, network: planNetwork, image: planImage, guest: planGuest, retry: planRetry };
export type Planners = typeof PLANNERS;
