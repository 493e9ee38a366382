import type { Random } from '@drover/shared/lib/random';

type Chance = Pick<Random, 'fraction'>;
const upTo = (random: Chance, count: number): number => Math.floor(random.fraction() * count);
const pick = <T>(random: Chance, list: readonly T[]): T | undefined => list[upTo(random, list.length)];

/** Values that parsers and arithmetic have stumbled over before. */
const ODD: readonly unknown[] = [
  ...[null, true, false, 0, -0, -1, 1, 0.5, 2 ** 31, 2 ** 50, 2 ** 53, -(2 ** 53), 1e308, 1e-320],
  ...[
    '',
    '0',
    '__proto__',
    'constructor',
    'toString',
    '\u0000',
    '\ud800',
    '→'.repeat(99),
    'x'.repeat(5_000),
    '../../etc',
    '100',
    'guest',
    'task',
  ],
  ...[[], {}, [[]], { '': null }, { toJSON: 1 }, { length: -1 }],
];

/** Another input, made of this one: its bytes, or its JSON, changed here and there. */
export function mutate(random: Chance, input: Uint8Array, other: Uint8Array): Uint8Array {
  const head = input.subarray(0, 1);
  const tail = input.subarray(1);
  const times = 1 + upTo(random, 4);
  const body =
    random.fraction() < 0.7
      ? (mutatedJson(random, tail, other.subarray(1), times) ?? bytes(random, tail, times))
      : bytes(random, tail, times);
  return Uint8Array.of(...head, ...body.subarray(0, 20_000));
}

function mutatedJson(random: Chance, input: Uint8Array, other: Uint8Array, times: number): Uint8Array | null {
  const decoder = new TextDecoder();
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(input));
  } catch {
    return null;
  }
  for (let time = 0; time < times; time += 1) value = changed(random, value, other);
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Walks down at random, and changes what it finds there. */
function changed(random: Chance, value: unknown, other: Uint8Array): unknown {
  if (typeof value !== 'object' || value === null || random.fraction() < 0.15) return replacement(random, value, other);
  if (Array.isArray(value)) {
    const at = upTo(random, value.length);
    const turn = upTo(random, 6);
    if (turn === 0) return value.filter((_, index) => index !== at);
    if (turn === 1) return [...value, ...value];
    if (turn === 2) return [...value, pick(random, ODD)];
    return value.map((item: unknown, index) => (index === at ? changed(random, item, other) : item));
  }
  const members = Object.entries(value);
  const at = upTo(random, members.length);
  const turn = upTo(random, 8);
  if (turn === 0) return Object.fromEntries(members.filter((_, index) => index !== at));
  if (turn === 1) return Object.fromEntries([...members, [String(pick(random, ODD)), pick(random, ODD)]]);
  return Object.fromEntries(members.map(([name, member], index) => [name, index === at ? changed(random, member, other) : member]));
}

function replacement(random: Chance, value: unknown, other: Uint8Array): unknown {
  const turn = upTo(random, 6);
  if (turn === 0 && typeof value === 'number') return value + upTo(random, 5) - 2;
  if (turn === 1 && typeof value === 'string') return value.slice(0, upTo(random, value.length + 1)) + String(pick(random, ODD) ?? '');
  if (turn === 2) return [value];
  if (turn === 3) return nested(value, upTo(random, 200));
  if (turn === 4) return new TextDecoder().decode(other).slice(0, upTo(random, 200));
  return pick(random, ODD);
}

function nested(value: unknown, depth: number): unknown {
  let whole = value;
  for (let level = 0; level < depth; level += 1) whole = level % 2 === 0 ? [whole] : { a: whole };
  return whole;
}

function bytes(random: Chance, input: Uint8Array, times: number): Uint8Array {
  let body = [...input.subarray(0, 20_000)];
  for (let time = 0; time < times; time += 1) {
    const at = upTo(random, body.length + 1);
    const turn = upTo(random, 5);
    if (turn === 0) body[at] = upTo(random, 256);
    else if (turn === 1) body.splice(at, 1 + upTo(random, 8));
    else if (turn === 2) body.splice(at, 0, ...Array.from({ length: 1 + upTo(random, 8) }, () => upTo(random, 256)));
    else if (turn === 3) body = [...body.slice(0, at), ...body.slice(upTo(random, body.length + 1))];
    else body[at] = (body[at] ?? 0) ^ (1 << upTo(random, 8));
  }
  return Uint8Array.from(body);
}
