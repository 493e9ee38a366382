const ESCAPE = 0x1d;
const LEAVE = 'q'.charCodeAt(0);

export interface Typed {
  /** What goes to the guest. */
  readonly bytes: Uint8Array;
  readonly leaves: boolean;
}

/** Finds Ctrl-] q in what is typed, also when it comes in pieces. Ctrl-] twice sends one; before anything else it is sent as it is. */
export function createEscape(): (input: Uint8Array) => Typed {
  let isPending = false;
  return (input) => {
    const bytes: number[] = [];
    for (const byte of input) {
      if (!isPending) {
        if (byte === ESCAPE) isPending = true;
        else bytes.push(byte);
        continue;
      }
      isPending = false;
      if (byte === LEAVE) return { bytes: Uint8Array.from(bytes), leaves: true };
      bytes.push(ESCAPE);
      if (byte !== ESCAPE) bytes.push(byte);
    }
    return { bytes: Uint8Array.from(bytes), leaves: false };
  };
}
