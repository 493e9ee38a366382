import type { Power } from '@drover/shared/model/guest';
import type { Wish } from '@drover/shared/model/spec';

/** What somebody asked of a guest on the host itself. It stands above the wish until the control plane is asked anew. */
export interface PowerChoice {
  readonly power: Power;
  /** The wish's powerRequest at that time. */
  readonly powerRequest: number;
  /** Grows with each such request on this host. */
  readonly number: number;
  readonly atMs: number;
}

/** Runs that were asked for on the host bear numbers that no control plane will ever count to, so that each is told from all others. */
const HOST_REQUESTS_FROM = 2 ** 40;

/** Does it still count? Whoever asks the control plane for a power state later than that has the last word, as has who deletes the guest. */
export const isInForce = (choice: PowerChoice | null, wish: Wish<'guest'>): choice is PowerChoice =>
  choice !== null && wish.deletion === null && choice.powerRequest === wish.spec.powerRequest;

/** What is to be done about a guest: what is wished for, except for its power, should somebody have asked for another one on the host. */
export function withChoice(wish: Wish<'guest'>, choice: PowerChoice | null): Wish<'guest'> {
  if (!isInForce(choice, wish)) return wish;
  return { ...wish, spec: { ...wish.spec, power: choice.power, powerRequest: HOST_REQUESTS_FROM + choice.number } };
}
