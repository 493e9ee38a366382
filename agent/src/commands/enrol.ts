import { hostname } from 'node:os';
import { realClock } from '@drover/shared/lib/clock';
import { digest } from '@drover/shared/lib/digest';
import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import { AgentConfig } from '../config.ts';
import { realDisk } from '../host/disk.ts';
import { makeFolders } from '../host/folder.ts';
import { discardHostKey, enrol, type Identity, readIdentity, rotateHostKey } from '../identity.ts';
import { type Command, needed, parseWords, say } from './words.ts';

const DATA = { data: { type: 'string' } } as const;

/** Joins this host to a control plane. */
export const enrolCommand: Command = async (words) => {
  const { values } = parseWords(words, {
    ...DATA,
    'url': { type: 'string' },
    'token': { type: 'string' },
    'instance': { type: 'string' },
    'mirror': { type: 'string' },
    'new-key': { type: 'boolean' },
  });
  const url = needed(values.url, '--url');
  // In the environment it is not seen by everybody on this machine.
  const token = needed(values.token ?? process.env.DROVER_TOKEN, '--token');
  const data = needed(values.data, '--data');
  const instance = values.instance ?? '';
  const config = AgentConfig.safeParse({
    controlPlaneUrl: url.replace(/\/+$/, ''),
    dataPath: data,
    // Sockets have short names (108 bytes), so they lie under /run, told apart by the data folder.
    runPath: `/run/drover/${digest(data).slice(0, 8)}`,
    instance,
    storagePaths: [`${data}/storage`],
    bridges: [`drover${instance}0`],
    ...(values.mirror ? { debianMirror: values.mirror } : {}),
  });
  if (!config.success) throw problemOfInput(config.error, 'the options');
  makeFolders(data, 0o711);
  if (values['new-key']) discardHostKey(data, realDisk, realClock.now());
  const identity = await enrol({
    controlPlaneUrl: config.data.controlPlaneUrl,
    token,
    dataPath: data,
    hostname: hostname(),
    disk: realDisk,
    nowMs: realClock.now(),
  });
  realDisk.writeAtomically(`${data}/agent.json`, `${JSON.stringify(config.data, null, 2)}\n`);
  say(`enrolled as host ${identity.name} (${identity.hostId})`);
  sayFingerprints(identity);
};

export const fingerprintCommand: Command = async (words) => {
  const { values } = parseWords(words, DATA);
  sayFingerprints(enrolled(needed(values.data, '--data')));
};

export const rotateKeyCommand: Command = async (words) => {
  const { values } = parseWords(words, DATA);
  sayFingerprints(await rotateHostKey(needed(values.data, '--data'), realDisk, realClock.now()));
};

/** For a person to compare: whoever stood between the two would show other ones. */
function sayFingerprints(identity: Identity): void {
  say(`key of this host           ${identity.fingerprint}`);
  say(`key of the control plane   ${identity.signerFingerprint}`);
}

export function enrolled(dataPath: string): Identity {
  const identity = readIdentity(dataPath, realDisk);
  if (!identity) throw new Problem('not-found', `${dataPath} holds no enrolled host`, { suggestion: 'run drover-agent enrol first' });
  return identity;
}
