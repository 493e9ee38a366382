import type { HostId } from '@drover/shared/model/id';
import { z } from 'zod';
import type { Chance } from './chance.ts';
import { contentOf, forged } from './signer.ts';

/** Messages kept for later, of all hosts together. */
const CAPTURED_MAX = 200;
const REPLAYED_AFTER_MS_MAX = 400_000;

/** A message as the adversary brings it, and to whom. */
export interface Trick {
  readonly what: string;
  readonly hostId: HostId;
  readonly text: string;
  readonly afterMs: number;
}

const Command = z.looseObject({
  host: z.string(),
  resource: z.looseObject({ kind: z.string(), generation: z.number(), spec: z.record(z.string(), z.unknown()) }),
});

/** Somebody who sits on the broker: reads every command, and brings hosts old ones, others' ones, and ones made up. Has no key. */
export class Adversary {
  readonly #captured: { readonly hostId: HostId; readonly text: string }[] = [];

  constructor(private readonly chance: Chance) {}

  /** A command has just passed. */
  sees(hostId: HostId, text: string): Trick {
    const { chance } = this;
    this.#captured.push({ hostId, text });
    if (this.#captured.length > CAPTURED_MAX) this.#captured.splice(chance.between(0, CAPTURED_MAX - 1), 1);
    const kept = chance.pick(this.#captured);
    const afterMs = chance.between(1, REPLAYED_AFTER_MS_MAX);
    const content = Command.parse(contentOf(kept.text));
    switch (chance.pick(['replay', 'misdirect', 'forge', 'bend'] as const)) {
      case 'replay':
        return { what: 'an old command', hostId: kept.hostId, text: kept.text, afterMs };
      case 'misdirect':
        return { what: "another host's command", hostId, text: kept.text, afterMs: chance.between(1, 2_000) };
      case 'forge': {
        const { resource } = content;
        const wish = { ...resource, generation: resource.generation + 1, spec: { ...resource.spec, power: 'off', notes: 'forged' } };
        return { what: 'a forged command', hostId: kept.hostId, text: forged({ ...content, resource: wish }), afterMs: 1 };
      }
      case 'bend':
        return { what: 'a bent command', hostId: kept.hostId, text: `${kept.text.slice(0, -9)}#${kept.text.slice(-8)}`, afterMs: 1 };
    }
  }
}
