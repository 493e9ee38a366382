import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { inOnePiece } from './one-piece.ts';

it('what is written while a stream is corked goes out as one piece, and is all there', async () => {
  const pieces: string[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Uint8Array, _encoding, done) {
      pieces.push(new TextDecoder().decode(chunk));
      done();
    },
  });
  inOnePiece(stream);
  stream.cork();
  for (const piece of ['a', 'bc', '', 'd']) stream.write(piece);
  stream.uncork();
  stream.write('e');
  await new Promise<void>((resolve) => stream.end(resolve));
  expect(pieces).toEqual(['abcd', 'e']);
});
