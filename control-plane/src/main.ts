import { rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem } from '@drover/shared/lib/problem';
import packageJson from '../package.json' with { type: 'json' };
import { writePrivate } from './node/signing-key.ts';
import { startControlPlane } from './node.ts';

const PORT_DEFAULT = 8420;

// The database holds what only its owner may see.
process.umask(0o077);
try {
  const dataPath = process.env.DROVER_DATA || (process.getuid?.() === 0 ? '/var/lib/drover' : join(homedir(), '.local/share/drover'));
  const controlPlane = await startControlPlane({
    dataPath,
    port: portOf(process.env.DROVER_PORT),
    host: process.env.DROVER_LISTEN || null,
    // Beside the bundle in control-plane/dist as beside the source in control-plane/src.
    webPath: process.env.DROVER_WEB || fileURLToPath(new URL('../../web/dist', import.meta.url)),
    version: packageJson.version,
    publicUrl: process.env.DROVER_URL?.replace(/\/$/, '') || null,
    log: (line) => console.error(line),
  });
  keepLink(join(dataPath, 'control-plane', 'sign-in-link'), controlPlane.firstOwnerLink);
  console.log(`Drover's control plane is at ${controlPlane.url}`);
  if (controlPlane.firstOwnerLink) console.log(`Sign in as its owner, once: ${controlPlane.firstOwnerLink}`);
  endOnSignals(controlPlane.close);
} catch (thrown) {
  const problem = Problem.from(thrown);
  const isOurs = problem.code === 'internal' && thrown instanceof Error;
  console.error(isOurs ? (thrown.stack ?? thrown.message) : [problem.message, problem.suggestion].filter(Boolean).join('; '));
  process.exit(1);
}

function portOf(text: string | undefined): number {
  if (text === undefined || text === '') return PORT_DEFAULT;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new Problem('bad-request', `DROVER_PORT is ${JSON.stringify(text)}, not a port number`);
}

/** For npm start, which shows it; and not left lying about once it is of no more use. */
function keepLink(path: string, link: string | null): void {
  if (link) writePrivate(path, `${link}\n`);
  else rmSync(path, { force: true });
}

function endOnSignals(close: () => Promise<void>): void {
  let isEnding = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (isEnding) process.exit(1);
      isEnding = true;
      close().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
    });
  }
}
