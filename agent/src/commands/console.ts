import { createEscape } from '@drover/shared/lib/escape';
import { joinConsole } from '../local/client.ts';

/** What programs may have switched on and not off again: mouse reports, bracketed paste, a hidden cursor, colours. */
const CALM = '\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\u001b[?25h\u001b[0m';

/** This terminal becomes the guest's console until Ctrl-] q, as with `drover guest console`, or until the guest ends it. */
export async function guestConsole(runPath: string, guest: string): Promise<void> {
  const { stdin, stdout } = process;
  const isTerminal = stdin.isTTY === true;
  const findEscape = createEscape();
  const calm = () => {
    if (!isTerminal) return;
    stdin.setRawMode(false);
    if (stdout.isTTY) stdout.write(CALM);
  };
  // However this process ends, the terminal is usable afterwards.
  process.once('exit', calm);
  try {
    await joinConsole(runPath, guest, {
      output: (bytes) => stdout.write(bytes),
      begun({ send, leave }) {
        const resized = () => send({ resize: [stdout.columns || 80, stdout.rows || 24] });
        if (isTerminal) {
          process.stderr.write(`The console of ${guest}; Ctrl-] q leaves it.\r\n`);
          stdin.setRawMode(true);
          resized();
          stdout.on('resize', resized);
        }
        stdin.on('data', (chunk: Buffer) => {
          const { bytes, leaves } = isTerminal ? findEscape(chunk) : { bytes: chunk, leaves: false };
          if (bytes.length > 0) send({ in: Buffer.from(bytes).toString('base64') });
          if (leaves) leave();
        });
        stdin.on('end', () => send({ end: true }));
        stdin.resume();
      },
    });
  } finally {
    calm();
    stdin.pause();
  }
}
