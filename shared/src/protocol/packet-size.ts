/** The libraries on either side have no limit of their own: the other one could announce a packet of 256 MB and have us keep it. */
export const PACKET_BYTES_MAX = 256 * 1024;

/** Follows the packets of an MQTT stream by their fixed headers; answers false once one announces more than `bytesMax`. */
export function packetSizeCheck(bytesMax: number): (chunk: Uint8Array) => boolean {
  /** Bytes of the current packet that are still to come. */
  let rest = 0;
  /** Within the remaining-length field: what it amounts to so far; null outside of it. */
  let length: { value: number; shift: number } | null = null;
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (rest > 0) {
        const skipped = Math.min(rest, chunk.length - at);
        rest -= skipped;
        at += skipped;
        continue;
      }
      const byte = chunk[at] ?? 0;
      at += 1;
      if (length === null) {
        length = { value: 0, shift: 0 };
        continue;
      }
      length.value += (byte & 0x7f) * 2 ** length.shift;
      length.shift += 7;
      if (length.value > bytesMax || length.shift > 28) return false;
      if ((byte & 0x80) === 0) {
        rest = length.value;
        length = null;
      }
    }
    return true;
  };
}
