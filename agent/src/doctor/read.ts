import type { DriverDescription } from '@drover/shared/model/host';
import { type Finding, no, note, ok } from './finding.ts';

/** What the host's own tools say, as findings. Pure. */

/** Of `systemctl show --property=LoadState,ActiveState,SubState,UnitFileState,NRestarts,Result UNIT`. */
export function findingOfUnit(unit: string, shown: string): Finding[] {
  const state = Object.fromEntries(
    shown
      .split('\n')
      .flatMap((line) => (line.includes('=') ? [[line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]] : [])),
  );
  if (state.LoadState !== 'loaded') return [no(`there is no ${unit}`, 'apt install --reinstall drover-agent')];
  const log = `journalctl -u ${unit} says more`;
  const enabled = /^(enabled|static|alias)/.test(state.UnitFileState ?? '')
    ? []
    : [no(`${unit} is ${state.UnitFileState || 'not enabled'}: it will not start with the host`, `systemctl enable ${unit}`)];
  const restarts = Number(state.NRestarts ?? 0);
  if (state.ActiveState !== 'active')
    return [no(`${unit} is ${state.ActiveState} (${state.SubState}, ${state.Result})`, `systemctl start ${unit}; ${log}`), ...enabled];
  return [restarts > 0 ? note(`${unit} runs, and was restarted ${restarts} times`, log) : ok(`${unit} runs`), ...enabled];
}

/** A minute: beyond that people wonder about times in logs. The agent itself works by the control plane's clock. */
const CLOCK_OFF_MS = 60_000;

/** `date`: of the control plane's answer. */
export function findingOfClock(date: string | null, nowMs: number): Finding {
  const aheadMs = nowMs - Date.parse(date ?? '');
  if (!Number.isFinite(aheadMs)) return note('the control plane does not say what time it is');
  const off = Math.round(Math.abs(aheadMs) / 1_000);
  if (Math.abs(aheadMs) <= CLOCK_OFF_MS) return ok('the clock');
  return no(
    `the clock is ${off} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the control plane's`,
    'apt install systemd-timesyncd; timedatectl says more',
  );
}

const MIB = 2 ** 20;
const NEEDED_MIB = 1_024;

export function findingOfSpace(path: string, freeBytes: number): Finding {
  const freeMib = Math.floor(freeBytes / MIB);
  if (freeMib >= NEEDED_MIB) return ok(`${freeMib} MiB free in ${path}`);
  return no(
    `only ${freeMib} MiB free in ${path}: guests that write stand still when it is full`,
    `make room, or give ${path} a larger disk`,
  );
}

export function findingOfDriver({ port, title, usable, reason, version }: DriverDescription): Finding {
  const what = `${title}${version ? ` ${version}` : ''}`;
  if (!usable)
    return no(
      `${port} driver ${what} is not usable: ${reason ?? 'it does not say why'}`,
      'apt install --reinstall drover-agent brings what it needs',
    );
  return reason === undefined ? ok(`${port} driver ${what}`) : note(`${port} driver ${what}: ${reason}`);
}

/** Of `dpkg --audit`, which says nothing where all is well. */
export function findingOfPackages(audited: string): Finding {
  if (audited.trim() === '') return ok('all packages are wholly installed');
  const names = [...audited.matchAll(/^ (\S+)/gm)].map(([, name]) => name);
  return no(`half installed: ${names.join(', ') || 'some packages'}`, 'dpkg --configure -a; apt-get install --fix-broken');
}
