import type { Right, Role } from '@drover/shared/model/access';

const VIEWER: readonly Right[] = ['view', 'self'];
const OPERATOR: readonly Right[] = [
  ...VIEWER,
  'guest.create',
  'guest.edit',
  'guest.power',
  'guest.console',
  'guest.delete',
  'image.edit',
  'task.cancel',
];
const RIGHTS: { readonly [R in Role]: ReadonlySet<Right> } = {
  viewer: new Set(VIEWER),
  operator: new Set(OPERATOR),
  owner: new Set<Right>([...OPERATOR, 'host.edit', 'access.edit']),
};

export const may = (caller: { readonly role: Role }, right: Right): boolean => RIGHTS[caller.role].has(right);

/** A token never has more than its user: the lesser of the two roles. */
export function lesserRole(a: Role, b: Role): Role {
  const order: readonly Role[] = ['viewer', 'operator', 'owner'];
  return order.indexOf(a) < order.indexOf(b) ? a : b;
}
