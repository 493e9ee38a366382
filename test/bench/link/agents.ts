import { readFileSync } from 'node:fs';
import { echo } from './echo.ts';
import { FleetOrder, type FleetWord } from './fleet-words.ts';
import { type FleetCounts, LightAgent, LightIdentity } from './light-agent.ts';

/** One process of light agents: `agents.ts FILE FROM TO`, those lines of the file; told what to do by the process that started it. */
const [file = '', from = '0', to = '0'] = process.argv.slice(2);
const SAY_MS = 100;
/** So many are on their way in at a time: as fast as it goes, without a crowd at the door. How a crowd comes in, the row of the herd tells. */
const ON_THE_WAY = 25;
const LOOK_MS = 10;

const counts: FleetCounts = { in: 0, replies: 0, commands: 0, failures: 0 };
const identities = file === '' ? [] : identitiesIn(file, Number(from), Number(to));
let agents: readonly LightAgent[] = [];
let said = '';

const say = (word: FleetWord): void => void process.send?.(word);
const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Loopback has as many addresses as one likes. */
const localAddressOf = (index: number): string => `127.0.${1 + Math.floor(index / 5_000)}.1`;

process.on('message', (received) => {
  const order = FleetOrder.parse(received);
  if (order.do === 'connect') {
    agents = identities.map((identity, index) => new LightAgent(identity, order.url, localAddressOf(Number(from) + index), counts));
    startInTurn();
  } else if (order.do === 'forget') {
    for (const agent of agents) agent.forget();
  } else if (order.do === 'change') {
    const guest = agents[order.index]?.change() ?? '';
    say({ say: 'changed', guest, atMs: monotonicMs() });
  } else {
    for (let index = 0; index < order.clients; index += 1) echo(order.url, `bare${index}`, localAddressOf(index), counts);
  }
});
process.on('disconnect', () => process.exit(0));

setInterval(() => {
  const now = JSON.stringify(counts);
  if (now === said) return;
  said = now;
  say({ say: 'counts', ...counts });
}, SAY_MS);

function startInTurn(): void {
  let started = 0;
  const looking = setInterval(() => {
    for (; started < agents.length && started - counts.in < ON_THE_WAY; started += 1) agents[started]?.start();
    if (started === agents.length) clearInterval(looking);
  }, LOOK_MS);
}

function identitiesIn(path: string, first: number, end: number): readonly LightIdentity[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(first, end);
  return lines.map((line) => LightIdentity.parse(JSON.parse(line)));
}
