import { expect, it } from 'vitest';
import { createEscape } from './escape.ts';

function typed(...pieces: string[]) {
  const find = createEscape();
  let sent = '';
  for (const piece of pieces) {
    const { bytes, leaves } = find(Buffer.from(piece));
    sent += Buffer.from(bytes).toString();
    if (leaves) return { sent, leaves };
  }
  return { sent, leaves: false };
}

it.each([[['ls\u001dq']], [['ls\u001d', 'q']], [['ls', '\u001d', '', 'qx']]])('Ctrl-] q leaves, however it comes: %j', (pieces) =>
  expect(typed(...pieces)).toEqual({ sent: 'ls', leaves: true }),
);

it('Ctrl-] before anything else goes to the guest as it is', () => {
  expect(typed('\u001dx\u001d', '\u001d', 'q')).toEqual({ sent: '\u001dx\u001dq', leaves: false });
});
