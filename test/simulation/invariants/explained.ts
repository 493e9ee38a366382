import type { Scene, Watch } from './watch.ts';

/** Whatever is not as wished comes with what is being done about it, what it waits for, or what went wrong. */
export function watchExplanations({ judge }: Scene): Watch {
  return {
    report({ name }, { statuses }) {
      for (const status of statuses) {
        const what = `${status.kind} ${status.id} on ${name} is ${status.condition}`;
        if (status.kind === 'task') continue;
        if (status.condition === 'working') judge.check(status.activity !== undefined, `${what} and does not say at what`);
        if (status.condition === 'waiting')
          judge.check(status.waitingFor !== undefined || status.problem !== undefined, `${what} and does not say for what`);
        if (status.condition === 'needs-attention' || status.condition === 'unsupported')
          judge.check(status.problem !== undefined, `${what} and does not say why`);
        if (status.condition === 'settled' && !status.gone && status.acked > 0)
          judge.check(status.applied === status.acked, `${what} at ${status.acked}, but has applied ${status.applied}`);
      }
    },
  };
}
