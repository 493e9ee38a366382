import { expect, it } from 'vitest';
import { PRIVILEGES, Privilege } from './privilege.ts';
import { BUILT_IN_ROLES } from './role.ts';

const privilegesOf = (name: string) => BUILT_IN_ROLES.find((role) => role.name === name)?.privileges ?? [];
const has = (name: string, pattern: RegExp) => privilegesOf(name).some((privilege) => pattern.test(privilege));

it('the privileges are Proxmox VE’s 47, each said in one sentence', () => {
  expect(new Set(Privilege.options).size).toBe(47);
  for (const sentence of Object.values(PRIVILEGES)) expect(sentence).toMatch(/^[A-Z][^.]*\.$/);
});

it('a role names each privilege once', () => {
  for (const { privileges } of BUILT_IN_ROLES) expect([...privileges].sort()).toEqual([...new Set(privileges)].sort());
});

it('only an owner may say who may do what', () => {
  const change = /^(Permissions\.Modify|User\.Modify|Group\.Allocate|Realm\.Allocate|Realm\.AllocateUser)$/;
  expect(BUILT_IN_ROLES.filter(({ name }) => has(name, change)).map(({ name }) => name)).toEqual(['owner']);
});

it('hosts are changed by owners and host administrators only', () => {
  const change = /^Sys\.(Modify|PowerMgmt|Console|Incoming|AccessNetwork)$/;
  expect(BUILT_IN_ROLES.filter(({ name }) => has(name, change)).map(({ name }) => name)).toEqual(['owner', 'host-admin']);
});

it('an auditor looks, and changes nothing', () =>
  expect(privilegesOf('auditor').filter((privilege) => !/\.Audit$/.test(privilege))).toEqual(['Sys.Syslog']));

it('neither a host administrator nor a backup operator comes into guests', () => {
  const inside = /^VM\.(Console|PowerMgmt|Config\..*|GuestAgent\.(File(Read|Write)|Unrestricted))$/;
  expect(has('host-admin', inside) || has('backup-operator', inside)).toBe(false);
});

it('no-access is the only one that cancels, and gives nothing', () =>
  expect(BUILT_IN_ROLES.filter(({ cancels }) => cancels)).toMatchObject([{ name: 'no-access', privileges: [] }]));
