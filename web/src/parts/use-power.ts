import { useWrite } from '../queries.ts';
import { type PowerAction, sendPower } from './guest-actions.ts';

export const usePower = (guestId: number) => useWrite({ mutationFn: (action: PowerAction) => sendPower(guestId, action) });
