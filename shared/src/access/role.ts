import { Privilege } from './privilege.ts';

/** A named set of privileges. One that cancels gives nothing, and takes away whatever else was given. */
export interface BuiltInRole {
  readonly name: string;
  readonly summary: string;
  readonly privileges: readonly Privilege[];
  readonly cancels: boolean;
}

const startingWith = (...starts: readonly string[]): Privilege[] =>
  Privilege.options.filter((privilege) => starts.some((start) => privilege.startsWith(start)));

const AUDIT = Privilege.options.filter((privilege) => privilege.endsWith('.Audit'));

/** For the jobs that people really give away. */
export const BUILT_IN_ROLES: readonly BuiltInRole[] = [
  role('owner', 'Everything.', Privilege.options),
  role('operator', 'Everything about guests and images, on the storages and networks that there are; looks at hosts.', [
    ...startingWith('VM.'),
    'Datastore.AllocateSpace',
    'Datastore.AllocateTemplate',
    'Datastore.Audit',
    'Mapping.Audit',
    'Mapping.Use',
    'Pool.Audit',
    'SDN.Audit',
    'SDN.Use',
    'Sys.Audit',
  ]),
  role('guest-user', 'Uses guests: sees them, switches them on and off, opens consoles, backs them up; changes nothing else.', [
    'VM.Audit',
    'VM.Backup',
    'VM.Config.CDROM',
    'VM.Config.Cloudinit',
    'VM.Console',
    'VM.GuestAgent.Audit',
    'VM.PowerMgmt',
  ]),
  role('backup-operator', 'Backs guests up and takes snapshots.', [
    'Datastore.AllocateSpace',
    'Datastore.Audit',
    'Pool.Audit',
    'VM.Audit',
    'VM.Backup',
    'VM.GuestAgent.FileSystemMgmt',
    'VM.Snapshot',
  ]),
  role('auditor', 'Sees everything, the logs too, and changes nothing.', [...AUDIT, 'Sys.Syslog']),
  role('host-admin', 'Everything about hosts, their storages, networks and devices; neither what is in guests nor who may do what.', [
    ...startingWith('Sys.', 'Datastore.', 'SDN.', 'Mapping.'),
    'Pool.Audit',
    'VM.Audit',
    'VM.Migrate',
  ]),
  { name: 'no-access', summary: 'Nothing, whatever else was given.', privileges: [], cancels: true },
];

function role(name: string, summary: string, privileges: readonly Privilege[]): BuiltInRole {
  return { name, summary, privileges, cancels: false };
}
