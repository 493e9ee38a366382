import type { CreateGuest, EditGuest } from '@drover/shared/api/requests';
import type { Power } from '@drover/shared/model/guest';
import type { Accepted, Ask, Decision } from './change.ts';
import type { CreateGuestView, GuestDecisionView } from './views.ts';

export declare function createGuest(view: CreateGuestView, input: CreateGuest, ask: Ask): Decision<Accepted>;
export declare function editGuest(view: GuestDecisionView, input: EditGuest, ask: Ask): Decision<Accepted>;
export declare function setPower(view: GuestDecisionView, power: Power, ask: Ask): Decision<Accepted>;
export declare function removeGuest(view: GuestDecisionView, input: { readonly force: boolean }, ask: Ask): Decision<Accepted>;
