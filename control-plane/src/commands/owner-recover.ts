import { parseArgs } from 'node:util';
import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { realRandom } from '@drover/shared/lib/random';
import { localUrl } from '../node/listen.ts';
import { recoverOwner } from '../node/recover-owner.ts';
import type { Command } from './command.ts';
import { existingFolder, storeOf } from './data.ts';

/** The control plane may run meanwhile: it looks into the same database. */
export const ownerRecover: Command = {
  words: 'owner recover',
  summary: 'prints a link that signs an owner in: [NAME] [--reset-second-factor]',
  async run(settings, rest, say) {
    const { publicUrl, host, port } = settings;
    const { name, resetSecondFactor } = parse(rest);
    const store = await storeOf(existingFolder(settings), settings);
    try {
      const url = publicUrl ?? localUrl(host, port);
      const recovered = await recoverOwner({ store, clock: realClock, random: realRandom }, { name, resetSecondFactor, url });
      for (const line of recovered.done) say(line);
      say(`This signs ${recovered.user.name} in as an owner, once, until ${new Date(recovered.expiresAtMs).toISOString()}:`);
      say(recovered.signInUrl);
    } finally {
      store.close();
    }
  },
};

function parse(rest: readonly string[]): { readonly name: string | null; readonly resetSecondFactor: boolean } {
  try {
    const { values, positionals } = parseArgs({
      args: [...rest],
      allowPositionals: true,
      options: { 'reset-second-factor': { type: 'boolean', default: false } },
    });
    if (positionals.length > 1) throw new Error(`one name, not ${positionals.length}`);
    return { name: positionals[0] ?? null, resetSecondFactor: values['reset-second-factor'] };
  } catch (thrown) {
    throw new Problem('bad-request', `owner recover: ${thrown instanceof Error ? thrown.message : 'not understood'}`, {
      suggestion: 'drover-control-plane owner recover [NAME] [--reset-second-factor]',
    });
  }
}
