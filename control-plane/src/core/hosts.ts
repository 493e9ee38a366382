import type { HostId } from '@drover/shared/model/id';
import type { Ask, Decision } from './change.ts';
import type { HostDecisionView } from './views.ts';

export declare function renameHost(view: HostDecisionView, name: string, ask: Ask): Decision<{ readonly hostId: HostId }>;
/** Removes the host and all it had from the control plane; touches nothing on the host, whose guests keep running. */
export declare function forgetHost(view: HostDecisionView, ask: Ask): Decision<{ readonly hostId: HostId }>;
