type Done = (error?: Error | null) => void;
interface Corkable {
  _write(chunk: Uint8Array, encoding: 'buffer', done: Done): void;
  _writev(chunks: readonly { readonly chunk: Uint8Array }[], done: Done): void;
}

/**
 * What is written to this stream while it is corked goes out as one piece. MQTT packets are written in four to eight pieces of a few
 * bytes, and a WebSocket as a stream makes each of them a message, and a call into the kernel, of its own. `stream`: one of Node's.
 */
export function inOnePiece(stream: unknown): void {
  if (!isCorkable(stream)) return;
  stream._writev = (chunks, done) => {
    const whole = new Uint8Array(chunks.reduce((length, { chunk }) => length + chunk.length, 0));
    let at = 0;
    for (const { chunk } of chunks) {
      whole.set(chunk, at);
      at += chunk.length;
    }
    stream._write(whole, 'buffer', done);
  };
}

const isCorkable = (stream: unknown): stream is Corkable =>
  typeof stream === 'object' && stream !== null && '_write' in stream && typeof stream._write === 'function';
