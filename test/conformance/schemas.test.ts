import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SCHEMA_FOLDER, schemaFiles } from './schemas.ts';

const ROOT = join(import.meta.dirname, '../..');

test('the JSON Schemas of the protocol are those of the code: renew them by npm run schemas', () => {
  const folder = join(ROOT, SCHEMA_FOLDER);
  const files = new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
  expect([...files.keys()].sort()).toEqual([...schemaFiles().keys()].sort());
  for (const [name, text] of schemaFiles()) expect(files.get(name), name).toBe(text);
});

test('every clause that a test cites is in docs/protocol.md, and every clause that says "must" is cited by a test', () => {
  const clauses = new Map(
    [...readFileSync(join(ROOT, 'docs/protocol.md'), 'utf8').matchAll(/^- \*\*(\d+\.\d+)\*\* ([\s\S]*?)(?=^- \*\*\d|^#|(?![\s\S]))/gm)].map(
      ([, number = '', text = '']) => [number, text] as const,
    ),
  );
  const tests = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(import.meta.dirname, name), 'utf8'))
    .join('\n');
  const cited = new Set([...tests.matchAll(/\bit\(\s*['"`]([\d., ]+) /g)].flatMap(([, numbers = '']) => numbers.split(/,\s*/)));
  expect([...cited].filter((number) => !clauses.has(number))).toEqual([]);
  expect([...clauses].filter(([number, text]) => /\bmust\b/.test(text) && !cited.has(number)).map(([number]) => number)).toEqual([]);
});
