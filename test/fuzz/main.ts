import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createChance } from '../simulation/chance.ts';
import { startCoverage } from './coverage.ts';
import { mutate } from './mutate.ts';
import { seeds } from './seeds.ts';
import { fuzz, TARGETS } from './targets.ts';

/** `npm run fuzz -- --executions 10000000`: changes inputs at random, keeps those that reach code which none reached before, and goes on from these. */
const { values } = parseArgs({ options: { executions: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' } } });
const CASES = join(process.cwd(), 'test/fuzz/cases');
const BATCH = 128;
const CORPUS_MAX = 20_000;
const SLOW_MS = 1_000;

async function main(): Promise<void> {
  const random = createChance(values.seed);
  const coverage = startCoverage((url) => url.includes('.cache/run'));
  const corpus = [...seeds(), ...keptCases()];
  for (const input of corpus) await run(input);
  coverage.fresh();
  const wanted = Number(values.executions);
  const begunAtMs = Date.now();
  let done = 0;
  let saidAtMs = begunAtMs;
  const any = (): Uint8Array => corpus[Math.floor(random.fraction() * corpus.length)] ?? new Uint8Array();
  while (done < wanted) {
    const batch = Array.from({ length: BATCH }, () => mutate(random, any(), any()));
    for (const input of batch) await run(input);
    done += batch.length;
    // One of them has reached what is new; which one is not worth asking.
    if (coverage.fresh() > 0 && corpus.length < CORPUS_MAX) corpus.push(...batch);
    if (Date.now() - saidAtMs > 10_000) {
      saidAtMs = Date.now();
      const perSecond = Math.round(done / ((saidAtMs - begunAtMs) / 1_000));
      console.log(`${done} executions, ${perSecond} a second, ${corpus.length} inputs kept, ${coverage.known} characters of code reached`);
    }
  }
  console.log(
    `${done} executions in ${Math.round((Date.now() - begunAtMs) / 1_000)} s: nothing found; ${coverage.known} characters of code reached`,
  );
}

async function run(input: Uint8Array): Promise<void> {
  const begunAtMs = performance.now();
  try {
    const running = fuzz(input);
    if (running) await running;
  } catch (thrown) {
    return found(input, thrown);
  }
  if (performance.now() - begunAtMs > SLOW_MS) found(input, new Error(`took ${Math.round(performance.now() - begunAtMs)} ms`));
}

function found(input: Uint8Array, thrown: unknown): never {
  const [name] = TARGETS[(input[0] ?? 0) % TARGETS.length] ?? ['unknown'];
  const path = join(CASES, `${name}-${createHash('sha256').update(input).digest('hex').slice(0, 12)}.bin`);
  mkdirSync(CASES, { recursive: true });
  writeFileSync(path, input);
  console.error(`found, and kept as ${path}:`);
  console.error(thrown);
  process.exit(1);
}

function keptCases(): Uint8Array[] {
  try {
    return readdirSync(CASES).map((name) => new Uint8Array(readFileSync(join(CASES, name))));
  } catch {
    // Nothing was ever found.
    return [];
  }
}

main().catch((thrown: unknown) => {
  console.error(thrown);
  process.exit(1);
});
