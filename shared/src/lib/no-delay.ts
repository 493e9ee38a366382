/** Without this, Nagle's algorithm and delayed acknowledgements cost 40 ms per message. `stream`: whatever a client calls its connection. */
export function setNoDelay(stream: unknown): void {
  for (const path of [[], ['socket'], ['socket', '_socket'], ['_socket']]) {
    let value = stream;
    for (const name of path) value = typeof value === 'object' && value !== null && name in value ? Reflect.get(value, name) : null;
    if (typeof value === 'object' && value !== null && 'setNoDelay' in value && typeof value.setNoDelay === 'function') {
      value.setNoDelay(true);
      return;
    }
  }
}
