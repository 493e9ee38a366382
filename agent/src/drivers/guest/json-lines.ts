/** Cuts a stream of bytes into lines of JSON, wherever the chunks break. What is not JSON is handed on as null. */
export function createJsonLines(receive: (message: unknown) => void, bytesMax = 64 * 2 ** 20): (chunk: Uint8Array) => void {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  return (chunk) => {
    let rest = chunk;
    for (let end = rest.indexOf(LINE_FEED); end !== -1; end = rest.indexOf(LINE_FEED)) {
      parts.push(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
      const line = Buffer.concat(parts);
      parts = [];
      bytes = 0;
      const text = stripDelimiter(line).toString('utf8').trim();
      if (text !== '') receive(parseJson(text));
    }
    if (rest.length === 0) return;
    bytes += rest.length;
    // A peer that never ends its line is not speaking the protocol: forget it rather than fill the memory.
    if (bytes > bytesMax) {
      parts = [];
      bytes = 0;
      return;
    }
    parts.push(Uint8Array.from(rest));
  };
}

const LINE_FEED = 0x0a;
/** qemu-guest-agent answers `guest-sync-delimited` with this byte first: all before it belongs to somebody else's conversation. */
const DELIMITER = 0xff;

function stripDelimiter(line: Buffer): Buffer {
  return line.subarray(line.lastIndexOf(DELIMITER) + 1);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Half a message, from before this connection: the caller sees null and ignores it.
    return null;
  }
}
