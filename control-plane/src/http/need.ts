import type { Privilege } from '@drover/shared/access/privilege';
import type { ThingKind } from '../core/things.ts';

/**
 * What a route asks of whoever calls it; the gate (gate.ts) decides it before the handler runs, for every route alike.
 *
 * public: nothing; the route checks whatever proof its body or headers carry by itself. self: that somebody is signed in, for what is
 * theirs. everything: the privilege on the whole fleet. access: on people, groups, roles and grants. thing: on the thing that the
 * address names; to whom may not even see it, it is not there. somewhere: the handler gives only what the caller has it on. task: to have
 * begun it, or the privilege on what it is about.
 */
export type Need =
  | { readonly on: 'everything' | 'access'; readonly privilege: Privilege }
  | { readonly on: 'somewhere'; readonly privilege: Privilege }
  | { readonly on: 'thing'; readonly kind: ThingKind; readonly param: string; readonly privilege: Privilege | PrivilegeByField }
  | { readonly on: 'task'; readonly param: string; readonly act: 'see' | 'cancel' };

/** For an edit: which privilege each field of the body takes. */
export interface PrivilegeByField {
  readonly [field: string]: Privilege;
}

export const onEverything = (privilege: Privilege): Need => ({ on: 'everything', privilege });
export const onAccess = (privilege: Privilege): Need => ({ on: 'access', privilege });
export const somewhere = (privilege: Privilege): Need => ({ on: 'somewhere', privilege });
export const onGuest = (privilege: Privilege | PrivilegeByField): Need => ({ on: 'thing', kind: 'guest', param: 'guest', privilege });
export const onHost = (privilege: Privilege): Need => ({ on: 'thing', kind: 'host', param: 'host', privilege });
export const onImage = (privilege: Privilege): Need => ({ on: 'thing', kind: 'image', param: 'image', privilege });
export const onStorage = (privilege: Privilege): Need => ({ on: 'thing', kind: 'storage', param: 'storage', privilege });
export const onNetwork = (privilege: Privilege): Need => ({ on: 'thing', kind: 'network', param: 'network', privilege });
export const onPool = (privilege: Privilege): Need => ({ on: 'thing', kind: 'pool', param: 'pool', privilege });
export const onTask = (act: 'see' | 'cancel'): Need => ({ on: 'task', param: 'task', act });

/** In words, for the API's document. */
export function inWords(need: Need | 'public' | 'self'): string {
  if (typeof need === 'string') return need;
  switch (need.on) {
    case 'everything':
      return `${need.privilege} on everything`;
    case 'access':
      return `${need.privilege} on /access`;
    case 'somewhere':
      return `${need.privilege}: what the caller has it on`;
    case 'task':
      return need.act === 'see' ? 'to have begun it, or to see what it is about' : 'to have begun it, or to be able to';
    case 'thing': {
      const privileges = typeof need.privilege === 'string' ? [need.privilege] : [...new Set(Object.values(need.privilege))];
      return `${privileges.join(', ')} on the ${need.kind}`;
    }
  }
}
