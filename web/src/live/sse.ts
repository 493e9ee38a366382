export interface SseEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string | null;
}

/** Reads a server-sent event stream from pieces of text, however they are cut. */
export function createSseParser(onEvent: (event: SseEvent) => void): (text: string) => void {
  let rest = '';
  let event = 'message';
  let data: string[] = [];
  let id: string | null = null;

  function line(text: string): void {
    if (text === '') {
      if (data.length > 0) onEvent({ event, data: data.join('\n'), id });
      event = 'message';
      data = [];
      id = null;
      return;
    }
    const colon = text.indexOf(':');
    if (colon === 0) return; // a comment: the server's heartbeat
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
    if (field === 'id') id = value;
  }

  return (text) => {
    rest += text;
    for (;;) {
      const match = /\r\n|\n|\r(?!$)/.exec(rest);
      if (match === null) return;
      const end = match.index;
      const next = rest.slice(end + match[0].length);
      line(rest.slice(0, end));
      rest = next;
    }
  };
}
