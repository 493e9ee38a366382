import { realClock } from '@drover/shared/lib/clock';
import { ask } from '../local/client.ts';
import { LocalStatus } from '../local/protocol.ts';
import { clean, duration } from './print.ts';
import { CONFIG_PATH, type Command, parseWords, readConfig, say } from './words.ts';

/** How this host is, as its agent sees it. */
export const statusCommand: Command = async (words) => {
  const { values } = parseWords(words, { config: { type: 'string' }, json: { type: 'boolean' } });
  const { runPath } = readConfig(values.config ?? CONFIG_PATH);
  const status = LocalStatus.parse(await ask(runPath, { do: 'status' }));
  say(values.json ? JSON.stringify(status, null, 2) : statusInWords(status, realClock.now()));
};

export function statusInWords(status: LocalStatus, nowMs: number): string {
  const { link, paused, guests, attention } = status;
  const since = (ms: number) => duration(nowMs - ms);
  return [
    `host           ${status.name} (${status.hostId})`,
    `control plane  ${status.controlPlaneUrl}`,
    `link           ${link.connected ? `connected for ${since(link.sinceMs)}` : `away for ${since(link.sinceMs)}${link.why ? `: ${clean(link.why)}` : ''}`}`,
    `agent          ${status.version}, start ${status.start}`,
    `guests         ${guests.running} of ${guests.total} running`,
    ...(paused
      ? [`paused         for ${since(paused.sinceMs)}${paused.reason ? `: ${clean(paused.reason)}` : ''}; drover-agent resume ends it`]
      : []),
    ...(status.isGoingDown ? ['the host is going down'] : []),
    ...(attention.length > 0 ? ['', 'needs attention'] : []),
    ...attention.flatMap(({ what, detail, suggestion }) => [
      `  ${what}: ${clean(detail)}`,
      ...(suggestion === undefined ? [] : [`    ${clean(suggestion)}`]),
    ]),
  ].join('\n');
}
