/** What programs may have switched on and not off again: mouse reports, bracketed paste, a hidden cursor, colours. */
const CALM = '\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\u001b[?25h\u001b[0m';
const ENDINGS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const;

/** Hands every key to the caller; the function it gives sets the terminal right again, and so does any end of the process. */
export function enterRawMode(): () => void {
  const { stdin, stdout } = process;
  if (stdin.isTTY !== true) return () => undefined;
  stdin.setRawMode(true);
  let isRaw = true;
  const restore = () => {
    if (!isRaw) return;
    isRaw = false;
    stdin.setRawMode(false);
    if (stdout.isTTY === true) stdout.write(CALM);
    process.removeListener('exit', restore);
    for (const signal of ENDINGS) process.removeListener(signal, die);
  };
  const die = (signal: NodeJS.Signals) => {
    restore();
    process.exit(128 + (signal === 'SIGTERM' ? 15 : signal === 'SIGHUP' ? 1 : 2));
  };
  process.on('exit', restore);
  for (const signal of ENDINGS) process.on(signal, die);
  return restore;
}
