/** Keeps one child process running: its output goes to a log file, and it is started again, ever more slowly, when it ends without being asked. */
import { spawn } from 'node:child_process';
import { appendFileSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from './dependencies.mjs';

/** For node's --import: see there. */
export const WITH_PARENT = pathToFileURL(join(ROOT, 'infra/with-parent.mjs')).href;

const LOG_BYTES_MAX = 16 * 2 ** 20;
const DELAY_FIRST_MS = 500;
const DELAY_MAX_MS = 30_000;
/** A child that ran for so long had started well: the next delay is the first again. */
const STEADY_MS = 60_000;

/**
 * `title` is for people. `onOutput` hears the last of what was printed, each time there is more; `onExit` hears of each unasked end: ({ output }) → false to give up.
 * The child leads its own process group, so that Ctrl-C reaches it only through us.
 */
export function keep({ title, script, args = [], env = {}, logPath, onOutput = () => {}, onExit = () => true }) {
  let child = null;
  let stopping = false;
  let delayMs = DELAY_FIRST_MS;
  let timer = null;
  let ended = Promise.resolve();

  function start() {
    const startedAtMs = Date.now();
    const output = tail();
    child = spawn(process.execPath, ['--import', WITH_PARENT, join(ROOT, script), ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      const stamp = stamper();
      stream.setEncoding('utf8').on('data', (text) => {
        output.add(text);
        onOutput(output.text());
        appendLog(logPath, stamp(text));
      });
    }
    ended = new Promise((resolve) => {
      child.once('error', (error) => output.add(error.message));
      child.once('close', (code, signal) => {
        child = null;
        resolve();
        if (stopping) return;
        if (onExit({ output: output.text() }) === false) return;
        if (Date.now() - startedAtMs > STEADY_MS) delayMs = DELAY_FIRST_MS;
        const how = signal ? `was ended by ${signal}` : `ended with code ${code}`;
        console.log(`The ${title} ${how}; starting it again in ${delayMs / 1_000} s. Its log: ${logPath}`);
        timer = setTimeout(start, delayMs);
        delayMs = Math.min(delayMs * 2, DELAY_MAX_MS);
      });
    });
  }

  start();
  return {
    /** Asks it to end and waits; after `patienceMs` it is killed. Resolves to whether it ended by itself. */
    async stop(patienceMs = 20_000) {
      stopping = true;
      clearTimeout(timer);
      if (!child) return true;
      child.kill('SIGTERM');
      let patient;
      const late = new Promise((resolve) => {
        patient = setTimeout(resolve, patienceMs, 'late');
      });
      const outcome = await Promise.race([ended, late]);
      clearTimeout(patient);
      if (outcome !== 'late') return true;
      child?.kill('SIGKILL');
      await ended;
      return false;
    },
    kill() {
      stopping = true;
      clearTimeout(timer);
      child?.kill('SIGKILL');
    },
  };
}

/** Remembers the last of what was printed, for when it ends. */
function tail(charsMax = 4_000) {
  let text = '';
  return {
    add(more) {
      text = (text + more).slice(-charsMax);
    },
    text: () => text.trim(),
  };
}

/** Puts the time before each line, however the lines come in pieces. */
function stamper() {
  let isAtStart = true;
  return (text) => {
    const time = `${new Date().toISOString()} `;
    const stamped = (isAtStart ? time : '') + text.replace(/\n(?!$)/g, `\n${time}`);
    isAtStart = text.endsWith('\n');
    return stamped;
  };
}

function appendLog(path, text) {
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX) renameSync(path, `${path}.1`);
    appendFileSync(path, text);
  } catch {
    // A full disk must not end the control plane with its log.
  }
}
