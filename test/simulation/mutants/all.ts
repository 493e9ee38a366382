import { SOUND_CONTROL_PLANE } from '../control-plane.ts';
import { playScenario, readScenario } from '../scenario.ts';
import { SOUND_AGENT } from '../simulated-host.ts';
import { SOUND_MANNERS } from '../users.ts';
import { type Outcome, runWorld } from '../world.ts';
import { AGENT_MUTANTS, UNSCRUPULOUS } from './agent.ts';
import { CONTROL_PLANE_MUTANTS } from './control-plane.ts';
import { INBOUND_MUTANTS, TIMELESS } from './inbound.ts';
import { GULLIBLE, JOURNAL_MUTANTS } from './journal.ts';
import type { Mutant } from './mutant.ts';

export const MUTANTS: readonly Mutant[] = [...JOURNAL_MUTANTS, ...INBOUND_MUTANTS, ...AGENT_MUTANTS, ...CONTROL_PLANE_MUTANTS];

/** Rules that something else stands in for, so that nothing is missed without them. */
export const EQUIVALENT: readonly { readonly mutant: Mutant; readonly because: string }[] = [
  {
    mutant: TIMELESS,
    because: 'what has expired was sent again long before, so its generation is known; and after a new connection its counter is',
  },
  { mutant: UNSCRUPULOUS, because: 'the storage driver looks for itself, and refuses to take away what a disk stands on' },
  {
    mutant: GULLIBLE,
    because:
      'the control plane compares digests and sends the wish again under a higher number, whether the host refused the other content or took it',
  },
];

export const runMutant = (mutant: Mutant, seed: number): Promise<Outcome> =>
  runWorld({
    seed: String(seed),
    ...(mutant.network ? { network: mutant.network } : {}),
    agent: { ...SOUND_AGENT, ...mutant.agent?.() },
    controlPlane: { ...SOUND_CONTROL_PLANE, ...mutant.controlPlane?.() },
    manners: { ...SOUND_MANNERS, ...mutant.manners?.() },
  });

export interface Noticed {
  /** Null: it was not. */
  readonly violation: string | null;
  readonly where: string;
}

/** Its scenario, else the first world, from the mutant's own seed on, in which it is noticed; or the last of so many, in none of which it was. */
export async function notice(mutant: Mutant, seedsMax: number): Promise<Noticed> {
  const { scenario, from = 1 } = mutant;
  if (scenario !== undefined) {
    const { violation } = await playScenario(readScenario(scenario), {
      agent: mutant.agent?.() ?? {},
      controlPlane: mutant.controlPlane?.() ?? {},
      manners: mutant.manners?.() ?? {},
    });
    if (violation) return { violation, where: scenario };
  }
  for (let seed = from; ; seed += 1) {
    const { violation } = await runMutant(mutant, seed);
    if (violation || seed + 1 >= from + seedsMax) return { violation, where: `seed ${seed}` };
  }
}
