import { observeGuest } from '../observe.ts';
import type { TaskContext, TaskKind } from './task.ts';

/** Takes another agent in the place of this one. Its state is on disk, beside the packages: whichever agent runs finds out by asking again. */
export const upgrade: TaskKind<'agent.upgrade'> = {
  async run({ version, build, sha256, sizeBytes }, context) {
    const { hostActions, taskId, signal, log } = context;
    const release = { version, build, sha256, sizeBytes };
    await hostActions.upgrade({ taskId, release, running: await runningGuests(context) }, signal, log);
    return { version, build };
  },
  recover: async () => ({ do: 'run-again' }),
};

async function runningGuests({ wishes, drivers }: TaskContext): Promise<number[]> {
  const running: number[] = [];
  for (const guest of wishes.all('guest')) {
    if ((await observeGuest(guest, wishes, drivers)).status.power === 'running') running.push(Number(guest.id));
  }
  return running;
}
