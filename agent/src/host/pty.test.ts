import { realClock } from '@drover/shared/lib/clock';
import { describe, expect, it } from 'vitest';
import type { Stream } from '../drivers/stream.ts';
import { openPty, shellLine } from './pty.ts';

function collect(stream: Stream): { text: string } {
  const heard = { text: '' };
  stream.onOutput((_channel, bytes) => {
    heard.text += Buffer.from(bytes).toString();
  });
  return heard;
}

describe('a program on a terminal', () => {
  it('never has its words read by the shell', async () => {
    expect(shellLine(['a b', '$(id)"; id']).line).toBe('exec "$DROVER_WORD_0" "$DROVER_WORD_1"');
    const stream = await openPty('printf', ['%s|', '$(id)', '"; id', "a'b", 'x\ny'], { clock: realClock });
    const heard = collect(stream);
    expect(await stream.ended).toEqual({ code: 0 });
    expect(heard.text).toBe(`$(id)|"; id|a'b|x\r\ny|`);
  });

  it('has a terminal of the size that is asked for, passes input on, and tells its exit code', async () => {
    const stream = await openPty('sh', ['-c', 'tty; stty size; trap "stty size" WINCH; until read line; do :; done; exit 7'], {
      clock: realClock,
    });
    const heard = collect(stream);
    await expect.poll(() => heard.text).toContain('24 80');
    expect(heard.text).toContain('/dev/pts/');
    stream.resize(101, 33);
    await expect.poll(() => heard.text).toContain('33 101');
    stream.write(Buffer.from('go\r'));
    expect(await stream.ended).toEqual({ code: 7 });
  });

  it('is killed by close', async () => {
    const stream = await openPty('sleep', ['1000'], { clock: realClock });
    collect(stream);
    stream.close();
    expect(await stream.ended).toEqual({ code: 137 });
  });
});
