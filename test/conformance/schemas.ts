import { GuestStatus } from '@drover/shared/model/guest';
import { HostStatus } from '@drover/shared/model/host';
import { ImageStatus } from '@drover/shared/model/image';
import { NetworkStatus } from '@drover/shared/model/network';
import { ResourceKind } from '@drover/shared/model/resource';
import { SPEC_SCHEMAS } from '@drover/shared/model/spec';
import { StorageStatus } from '@drover/shared/model/storage';
import { TaskStatus } from '@drover/shared/model/task';
import * as agentApi from '@drover/shared/protocol/agent-api';
import * as message from '@drover/shared/protocol/message';
import { RelayControl } from '@drover/shared/protocol/relay';
import { z } from 'zod';

const STATUS_SCHEMAS: Readonly<Record<ResourceKind, z.ZodType>> = {
  host: HostStatus,
  guest: GuestStatus,
  image: ImageStatus,
  storage: StorageStatus,
  network: NetworkStatus,
  task: TaskStatus,
};

/** Everything that goes over the wire, by the name of its file in docs/protocol/. */
const WIRE: Readonly<Record<string, z.ZodType>> = {
  'command': message.Command,
  'report': message.Report,
  'reply': message.Reply,
  'boot-reply': message.BootReply,
  'gone': message.Gone,
  'enrol-request': agentApi.EnrolRequest,
  'enrol-reply': agentApi.EnrolReply,
  'enrol-check-request': agentApi.EnrolCheckRequest,
  'enrol-check-reply': agentApi.EnrolCheckReply,
  'connect-request': agentApi.ConnectRequest,
  'credentials': agentApi.Credentials,
  'host-key-request': agentApi.HostKeyRequest,
  'host-key-reply': agentApi.HostKeyReply,
  'key-succession': agentApi.KeySuccession,
  'relay-control': RelayControl,
  ...Object.fromEntries(ResourceKind.options.map((kind) => [`spec-${kind}`, SPEC_SCHEMAS[kind]])),
  ...Object.fromEntries(ResourceKind.options.map((kind) => [`status-${kind}`, STATUS_SCHEMAS[kind]])),
};

export const SCHEMA_FOLDER = 'docs/protocol';

/** The files as they must be: what a sender may write. */
export function schemaFiles(): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(WIRE).map(([name, schema]) => [
      `${name}.schema.json`,
      `${JSON.stringify({ title: name, ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) }, null, 2)}\n`,
    ]),
  );
}
