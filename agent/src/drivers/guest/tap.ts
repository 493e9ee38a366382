import { existsSync, readdirSync } from 'node:fs';
import { assert } from '@drover/shared/lib/assert';
import { run } from '../../host/shell.ts';
import type { NicPlace } from './driver.ts';

/** The host's end of a guest's wire: tap107i0. The index is one hexadecimal digit, so that the longest name fits into the kernel's 15 characters. */
export function tapName(instance: string, guestId: number, index: number): string {
  return `tap${instance}${guestId}i${index.toString(16)}`;
}

/** Makes the taps that are not there yet and plugs them in, all with one process. */
export async function plugTaps(taps: readonly string[], nics: readonly NicPlace[], signal: AbortSignal): Promise<void> {
  const lines = taps.flatMap((tap, index) => {
    const bridge = nics[index]?.bridge ?? '';
    return [
      ...(existsSync(`/sys/class/net/${tap}`) ? [] : [`tuntap add dev ${word(tap)} mode tap`]),
      // The host itself shall not speak on the guest's wire, not even by a link-local address.
      `link set dev ${word(tap)} addrgenmode none`,
      `link set dev ${word(tap)} master ${word(bridge)} up`,
    ];
  });
  if (lines.length > 0) await run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n`, signal, timeoutMs: 20_000 });
}

/** Takes away every tap of the guest. */
export async function unplugTaps(instance: string, guestId: number): Promise<void> {
  const prefix = `tap${instance}${guestId}i`;
  const names = readdirSync('/sys/class/net').filter((name) => name.startsWith(prefix) && /^[0-9a-f]$/.test(name.slice(prefix.length)));
  if (names.length === 0) return;
  const input = names.map((name) => `link del dev ${word(name)}\n`).join('');
  try {
    await run('ip', ['-force', '-batch', '-'], { input, timeoutMs: 20_000 });
  } catch (error) {
    // One that went by itself meanwhile is as good as removed.
    if (names.some((name) => existsSync(`/sys/class/net/${name}`))) throw error;
  }
}

/** A device's name as one word of a line for `ip -batch`. */
function word(name: string): string {
  assert(/^[a-z][a-z0-9-]{0,14}$/.test(name), `${JSON.stringify(name)} is the name of a network device`);
  return name;
}
