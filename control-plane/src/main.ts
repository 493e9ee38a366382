import { rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Problem } from '@drover/shared/lib/problem';
import packageJson from '../package.json' with { type: 'json' };
import { runCommand } from './commands/index.ts';
import { writePrivate } from './node/private-file.ts';
import { type Settings, settingsOf } from './node/settings.ts';
import { startControlPlane } from './node.ts';

// The database holds what only its owner may see.
process.umask(0o077);
try {
  const settings = settingsOf(process.env, { isRoot: process.getuid?.() === 0, home: homedir() });
  const typed = process.argv.slice(2);
  if (typed.length > 0) await runCommand(typed, settings, (line) => console.log(line));
  else await serve(settings);
} catch (thrown) {
  const problem = Problem.from(thrown);
  const isOurs = problem.code === 'internal' && thrown instanceof Error;
  console.error(isOurs ? (thrown.stack ?? thrown.message) : [problem.message, problem.suggestion].filter(Boolean).join('; '));
  process.exit(1);
}

async function serve(settings: Settings): Promise<void> {
  const controlPlane = await startControlPlane({
    ...settings,
    // Beside the bundle in control-plane/dist as beside the source in control-plane/src.
    webPath: process.env.DROVER_WEB || fileURLToPath(new URL('../../web/dist', import.meta.url)),
    packagePath: process.env.DROVER_AGENT_PACKAGE || fileURLToPath(new URL('../../agent/dist', import.meta.url)),
    version: packageJson.version,
    log: (line) => console.error(line),
  });
  keepLink(join(settings.dataPath, 'control-plane', 'sign-in-link'), controlPlane.firstOwnerLink);
  console.log(`Drover's control plane is at ${controlPlane.url}`);
  if (controlPlane.firstOwnerLink) console.log(`Sign in as its owner, once: ${controlPlane.firstOwnerLink}`);
  endOnSignals(controlPlane.close);
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
