/** How a program in the foreground ends: by Ctrl-C, in good order. */

/** npm passes Ctrl-C on to us, who have had it from the terminal already: that is one, not two. */
const SAME_KEY_MS = 500;

/** On a signal, stops `children` (see keep.mjs), the last begun first, so that an agent can still say goodbye to its control plane. A second signal kills them. */
export function endOnSignals(children, say) {
  let sinceMs = null;

  async function end() {
    if (sinceMs !== null) {
      if (Date.now() - sinceMs < SAME_KEY_MS) return;
      console.log('Forced.');
      for (const child of children) child.kill();
      process.exit(1);
    }
    sinceMs = Date.now();
    console.log(`\n${say}`);
    let isClean = true;
    for (const child of [...children].reverse()) isClean = (await child.stop()) && isClean;
    process.exit(isClean ? 0 : 1);
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
}

/** Says plainly why it cannot go on. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}
