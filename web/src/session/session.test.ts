import { expect, it } from 'vitest';
import { readLinkToken } from './session.ts';

const TOKEN = '6kazdlnjvepjrx6xj19ggdax6oacdit5hwzef5un';

it.each([`http://localhost:8420/sign-in#token=${TOKEN}`, ` https://drover.example/sign-in#token=${TOKEN}\n`, `#token=${TOKEN}`, TOKEN])(
  'finds the token in %j',
  (text) => {
    expect(readLinkToken(text)).toBe(TOKEN);
  },
);

it.each(['', 'http://localhost:8420/sign-in', 'hello world and more', '#token=', '#token=<script>alert(1)</script>', 'short'])(
  'finds none in %j',
  (text) => {
    expect(readLinkToken(text)).toBeNull();
  },
);
