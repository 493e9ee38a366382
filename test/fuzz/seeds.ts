import { aGuest, anImage, anInventory, aStatus, aStorage, HOST_ID } from '../control-plane/held.ts';
import { TARGETS } from './targets.ts';

/** Well-formed messages, for the mutations to start from. */
const KINDS_AT = { storage: 0, network: 1, image: 2, guest: 3, task: 4 } as const;
const resource = { kind: 'guest', id: '100', hostId: HOST_ID, generation: 3, spec: aGuest().spec, deletion: null };
const envelope = { v: 1, host: HOST_ID, session: 's1', boot: 3, sequence: 11, sentAtMs: 5_000 };
const problem = { code: 'host-failed', status: 502, title: 'host failed', detail: 'no', retryable: false };
const statuses = [
  aStatus('guest', '100', 1, { observed: { power: 'running', addresses: ['192.0.2.1'], crashes: 0, end: null }, digest: 'd' }),
  aStatus('image', anImage().id, 1, { condition: 'needs-attention', problem: { ...problem, code: 'host-failed' } }),
  aStatus('task', 'task_tttttttttttttttttttt', 1, { observed: { state: 'done', result: { code: 0 } } }),
  aStatus('guest', '999', 0, { gone: true }),
];
const hello = {
  protocol: 1,
  run: 'r1',
  counter: 7,
  inventory: anInventory(),
  journal: [
    { kind: 'guest', id: '100', generation: 9, digest: 'x' },
    { kind: 'network', id: 'network_strange00000000000', generation: 1, digest: 'y' },
  ],
};
const figures = {
  atMs: 4_000,
  host: {
    uptimeS: 5,
    load: [0.5, 0.4, 0.3],
    cpu: 0.1,
    memory: { totalBytes: 4, usedBytes: 1, availableBytes: 3 },
    disk: { in: 1, out: 2 },
  },
  guests: [{ id: 100, cpu: 1.5, memoryBytes: 7 }],
};
const disk = { name: 'sda', sizeBytes: 5, usedBy: ['/ (ext4)'], health: { state: 'good', worn: 0.1 } };
const hardware = {
  digest: 'd',
  processorFlags: ['fpu'],
  disks: [disk],
  nics: [{ name: 'eno1', kind: 'physical', link: true }],
  cut: ['pci'],
};
const command = { v: 1, host: HOST_ID, counter: 7, resource, asOfMs: 1, issuedAtMs: 2, expiresAtMs: 3 };
const reply = { v: 1, boot: 3, sequence: 11, helloWanted: true, atMs: 5 };

const SEEDS: Readonly<Record<string, readonly unknown[]>> = {
  'topic': [`drover/v1/main/${HOST_ID}/up/report`, `drover/v1/main/${HOST_ID}/down/command`],
  'report': [
    { ...envelope, statuses, log: [{ kind: 'guest', id: '100', atMs: 1, line: 'x' }] },
    { ...envelope, hello, statuses: [] },
    { ...envelope, figures, statuses: [] },
    { ...envelope, hardware, statuses: [] },
    { ...envelope, refused: [{ kind: 'guest', id: '100', generation: 1, problem }] },
  ],
  'gone': [{ v: 1, session: 's1', reason: 'connection lost' }],
  'command': [command, { ...command, resource: { ...resource, deletion: { requestedAtMs: 1, destroys: ['root'] } } }],
  'reply': [reply, { ...reply, host: HOST_ID, lastBoot: 9, expiresAtMs: 10 }],
  'packets': ['\u0030\u0005hello\u0030\u0000'],
  'relay': [
    { do: 'resize', columns: 80, rows: 24 },
    { do: 'exit', code: 0 },
    { do: 'failed', detail: 'no' },
  ],
  'key-id': ['eyJhbGciOiJFZERTQSIsImtpZCI6IjAxMjMifQ.e30.AA'],
  'spec': [aGuest(), anImage(), aStorage()].map(({ kind, spec }) => `${String.fromCharCode(KINDS_AT[kind])}${JSON.stringify(spec)}`),
};

export function seeds(): Uint8Array[] {
  return TARGETS.flatMap(([name], index) =>
    (SEEDS[name] ?? []).map((seed) => {
      const text = typeof seed === 'string' ? seed : JSON.stringify(seed);
      return new Uint8Array([index, ...new TextEncoder().encode(text)]);
    }),
  );
}
