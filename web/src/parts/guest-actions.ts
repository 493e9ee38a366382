import type { GuestView, TaskView } from '@drover/shared/api/views';
import { call } from '../api.ts';
import { live } from '../live/use.ts';
import { watchTask } from './notices.tsx';

export interface Accepted {
  /** Null: it was deleted, and nothing of it was left to remove. */
  readonly resource: GuestView | null;
  readonly task: TaskView;
}

export type PowerAction = 'start' | 'shutdown' | 'stop' | 'reboot';

/** Sends a write about a guest. What the page shows next is what the control plane answered, never a guess. */
export async function sendGuest(send: () => Promise<Accepted>): Promise<Accepted> {
  const guestAsked = live.guest.ask();
  const taskAsked = live.task.ask();
  const answer = await send();
  if (answer.resource !== null) live.guest.put(guestAsked, answer.resource);
  live.task.put(taskAsked, answer.task);
  watchTask(answer.task);
  return answer;
}

export const sendPower = (guestId: number, action: PowerAction): Promise<Accepted> =>
  sendGuest(() => call<Accepted>('POST', `/guests/${guestId}/${action}`, { body: {} }));

/** What can sensibly be asked of a guest as it is now. An unknown one may be asked anything: the wish reaches its host when it is back. */
export function powerActions(guest: Pick<GuestView, 'state' | 'observedPower' | 'power' | 'deleting'>): readonly PowerAction[] {
  if (guest.deleting || guest.state === 'deleting' || guest.state === 'creating') return [];
  if (guest.state === 'stopping') return ['stop', 'start'];
  if (guest.state === 'starting') return ['stop'];
  if (guest.state === 'unknown') return guest.power === 'running' ? ['shutdown', 'stop'] : ['start'];
  if (guest.observedPower === 'running') return ['shutdown', 'reboot', 'stop'];
  return guest.state === 'failed' && guest.power === 'running' ? ['start', 'stop'] : ['start'];
}
