import type { Clock } from '@drover/shared/lib/clock';
import { RelayControl, STREAM } from '@drover/shared/protocol/relay';
import type { Stream } from '../drivers/stream.ts';
import type { RelaySocket } from './relay.ts';

/** Above this the guest's output waits until the relay has taken some. */
const BUFFERED_BYTES_MAX = 256 * 1024;
const DRAIN_LOOK_MS = 10;

/** Joins a guest's stream and a relay socket until either ends; returns the exit code, or null when the person left first. */
export async function pump(stream: Stream, socket: RelaySocket, clock: Clock): Promise<number | null> {
  let open = true;
  let paused = false;
  const left = new Promise<null>((resolve) =>
    socket.onClose(() => {
      open = false;
      stream.close();
      resolve(null);
    }),
  );
  const resumeWhenDrained = () => {
    if (!open) return;
    if (socket.bufferedBytes > BUFFERED_BYTES_MAX / 2) {
      clock.after(DRAIN_LOOK_MS, resumeWhenDrained);
      return;
    }
    paused = false;
    stream.resume();
  };
  stream.onOutput((channel, bytes) => {
    if (!open) return;
    const frame = new Uint8Array(bytes.length + 1);
    frame[0] = STREAM[channel];
    frame.set(bytes, 1);
    socket.sendBytes(frame);
    if (!paused && socket.bufferedBytes > BUFFERED_BYTES_MAX) {
      paused = true;
      stream.pause();
      resumeWhenDrained();
    }
  });
  socket.onBytes((frame) => {
    if (frame[0] === STREAM.stdin) stream.write(frame.subarray(1));
  });
  socket.onText((text) => {
    const control = parseControl(text);
    if (control?.do === 'resize') stream.resize(control.columns, control.rows);
    if (control?.do === 'stdin-end') stream.endInput();
  });
  const ended = await Promise.race([stream.ended, left]);
  if (ended && open) socket.sendText(JSON.stringify({ do: 'exit', code: ended.code } satisfies RelayControl));
  socket.close();
  return ended?.code ?? null;
}

/** Whatever came as text from the other side: a control message that we know, or nothing. */
function parseControl(text: string): RelayControl | null {
  try {
    const parsed = RelayControl.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
