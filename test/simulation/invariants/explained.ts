import { Report } from '@drover/shared/protocol/message';
import type { Scene, Watch } from './watch.ts';

/** Whatever is not as wished comes with what is being done about it, what it waits for, or what went wrong. */
export function watchExplanations({ judge }: Scene): Watch {
  return {
    message({ hostId, leaf, text }) {
      if (leaf !== 'up/report') return;
      const report = Report.safeParse(JSON.parse(text));
      judge.check(report.success, `${hostId} sent a report that nobody can read: ${report.error?.message ?? ''}`);
      for (const status of report.data?.statuses ?? []) {
        const what = `${status.kind} ${status.id} on ${hostId} is ${status.condition}`;
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
