import { setFlagsFromString } from 'node:v8';
import { Problem } from '@drover/shared/lib/problem';
import { doctorCommand } from './commands/doctor.ts';
import { enrolCommand, fingerprintCommand, rotateKeyCommand } from './commands/enrol.ts';
import { guestsCommand } from './commands/guests.ts';
import { hostDownCommand } from './commands/host-down.ts';
import { pauseCommand, resumeCommand } from './commands/pause.ts';
import { runCommand } from './commands/run.ts';
import { statusCommand } from './commands/status.ts';
import { USAGE } from './commands/usage.ts';
import { type Command, say } from './commands/words.ts';

// The kernel copies the page tables of what the agent holds for each program that it starts, 0.1 ms and more for each MiB: so the
// garbage of its busiest moment must not stay with it.
setFlagsFromString('--semi-space-growth-factor=1');
// Meant for the agent; guests shall not inherit it.
delete process.env.MALLOC_ARENA_MAX;

const COMMANDS: Readonly<Record<string, Command>> = {
  'enrol': enrolCommand,
  'run': runCommand,
  'fingerprint': fingerprintCommand,
  'rotate-key': rotateKeyCommand,
  'status': statusCommand,
  'doctor': doctorCommand,
  'guests': guestsCommand,
  'pause': pauseCommand,
  'resume': resumeCommand,
  'host-down': hostDownCommand,
};

async function main([name, ...words]: readonly string[]): Promise<void> {
  if (name === undefined || [name, ...words].some((word) => word === '--help' || word === '-h')) return say(USAGE);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!command) throw new Problem('bad-request', `say ${Object.keys(COMMANDS).join(', ')}\n\n${USAGE}`);
  await command(words);
}

main(process.argv.slice(2)).catch((thrown: unknown) => {
  const problem = Problem.from(thrown);
  console.error(`drover-agent: ${problem.message}${problem.suggestion ? `\n${problem.suggestion}` : ''}`);
  process.exit(1);
});
