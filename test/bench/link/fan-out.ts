import { timed } from '../statistics.ts';
import { editor, type LinkContext, powerVerbs, together } from './measure.ts';

/** Asks the first `hosts` hosts for something each; resolves once what every one of them has acknowledged is stored. */
type Way = (context: LinkContext, hosts: number) => Promise<void>;

const FAN_OUT = 1_000;

/** A request for each host, a few dozen under way at a time. */
async function requestEach(context: LinkContext, hosts: number): Promise<void> {
  const edits = editor(context);
  await together(hosts, (host) => edits.edit(host));
  edits.end();
}

/** A thousand guests to a request, which is as many as one may name. */
async function requestTogether(context: LinkContext, hosts: number): Promise<void> {
  const edits = editor(context);
  const [verb = 'stop'] = await powerVerbs(context);
  for (let from = 0; from < hosts; from += FAN_OUT) {
    await edits.power(
      Array.from({ length: Math.min(FAN_OUT, hosts - from) }, (_, index) => from + index),
      verb,
    );
  }
  edits.end();
}

/** P11: one command to each host, of a thousand and of all. */
export async function measureFanOut(context: LinkContext): Promise<void> {
  const { samples, fleet, say } = context;
  const rounds: readonly {
    readonly measure: 'fan-out' | 'fan-out together' | 'fan-out to all';
    readonly way: Way;
    readonly hosts: number;
    readonly times: number;
  }[] = [
    { measure: 'fan-out', way: requestEach, hosts: Math.min(FAN_OUT, fleet.hosts), times: 3 },
    { measure: 'fan-out together', way: requestTogether, hosts: Math.min(FAN_OUT, fleet.hosts), times: 6 },
    { measure: 'fan-out to all', way: requestTogether, hosts: fleet.hosts, times: 2 },
  ];
  for (const { measure, way, hosts, times } of rounds) {
    for (let round = 0; round < times; round += 1) {
      say(`one command to each of ${hosts} hosts`);
      samples.add(measure, 'Drover', await timed(() => way(context, hosts)));
    }
  }
}
