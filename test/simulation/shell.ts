import type { Clock } from '@drover/shared/lib/clock';
import type { Stream } from '../../agent/src/drivers/stream.ts';
import type { RunningGuest } from './machine.ts';

/** What a simulated guest answers when one types at it: enough to see that exec and console reach it. */
export function simulatedShell(
  guest: RunningGuest,
  clock: Clock,
  delayMs: number,
): { run(command: readonly string[], tty: boolean): Stream; console(): Stream } {
  return {
    run(command, tty) {
      const answer = answerTo(command, guest.spec.name);
      const isInteractive = tty && /^(\/bin\/)?(ba|da)?sh$/.test(command[0] ?? '') && command.length === 1;
      if (isInteractive) return prompt(guest, clock);
      return once(answer, clock, delayMs);
    },
    console: () => prompt(guest, clock),
  };
}

const OS_RELEASE = `PRETTY_NAME="Simulated Linux 1"
NAME="Simulated Linux"
VERSION_ID="1"
ID=simulated
`;

function answerTo(words: readonly string[], name: string): { readonly code: number; readonly stdout: string; readonly stderr: string } {
  const [program = '', ...rest] = words;
  const said = (stdout: string) => ({ code: 0, stdout, stderr: '' });
  switch (program.split('/').at(-1)) {
    case 'echo':
      return said(`${rest.join(' ')}\n`);
    case 'hostname':
      return said(`${name}\n`);
    case 'true':
      return said('');
    case 'false':
      return { code: 1, stdout: '', stderr: '' };
    case 'uname':
      return said('Simulated\n');
    case 'cat':
      if (rest.length === 1 && rest[0] === '/etc/os-release') return said(OS_RELEASE);
      if (rest.length === 1 && rest[0] === '/etc/hostname') return said(`${name}\n`);
      return { code: 1, stdout: '', stderr: `cat: ${rest[0] ?? ''}: No such file or directory\n` };
    case 'sh':
    case 'bash':
      if (rest[0] === '-c') return answerTo((rest[1] ?? '').split(/\s+/).filter(Boolean), name);
      return said('');
    default:
      return { code: 127, stdout: '', stderr: `${program}: not found\n` };
  }
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

function once(answer: ReturnType<typeof answerTo>, clock: Clock, delayMs: number): Stream {
  let receive: Parameters<Stream['onOutput']>[0] = () => {};
  const ended = clock.sleep(delayMs).then(() => {
    if (answer.stdout) receive('stdout', bytesOf(answer.stdout));
    if (answer.stderr) receive('stderr', bytesOf(answer.stderr));
    return { code: answer.code };
  });
  return {
    onOutput(listener) {
      receive = listener;
    },
    ended,
    write: () => true,
    endInput() {},
    resize() {},
    pause() {},
    resume() {},
    close() {},
  };
}

/** A line at a time, echoed as it is typed; `exit` and Ctrl-D leave. */
function prompt(guest: RunningGuest, clock: Clock): Stream {
  const { name } = guest.spec;
  let receive: Parameters<Stream['onOutput']>[0] = () => {};
  let line = '';
  let finish: (ending: { code: number }) => void = () => {};
  const ended = new Promise<{ code: number }>((resolve) => {
    finish = resolve;
  });
  const show = (text: string) => receive('stdout', bytesOf(text));
  const enter = () => {
    show('\r\n');
    const typed = line.trim();
    line = '';
    if (typed === 'exit') return finish({ code: 0 });
    if (typed) {
      const { stdout, stderr } = answerTo(typed.split(/\s+/), name);
      show(`${stdout}${stderr}`.replaceAll('\n', '\r\n'));
    }
    show(`${name}# `);
  };
  return {
    onOutput(listener) {
      receive = listener;
      clock.after(10, () => show(`${name}# `));
    },
    ended,
    write(bytes) {
      for (const character of new TextDecoder().decode(bytes)) {
        if (character === '\r' || character === '\n') enter();
        else if (character === '\u0004') finish({ code: 0 });
        else if (character === '\u007f') {
          if (line) show('\b \b');
          line = line.slice(0, -1);
        } else {
          line = (line + character).slice(-1_000);
          show(character);
        }
      }
      return true;
    },
    endInput: () => finish({ code: 0 }),
    resize() {},
    pause() {},
    resume() {},
    close: () => finish({ code: 0 }),
  };
}
