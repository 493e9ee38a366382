import { digest } from '@drover/shared/lib/digest';
import { Problem, problemOfInput } from '@drover/shared/lib/problem';
import type { Resource, ResourceKind } from '@drover/shared/model/resource';
import { SPEC_SCHEMAS, type Wish } from '@drover/shared/model/spec';
import type { Drivers } from './drivers/drivers.ts';
import type { Network } from './drivers/network/driver.ts';
import type { Storage } from './drivers/storage/driver.ts';
import type { Journal } from './journal.ts';

/** What the journal holds is read at every look, and is the same for a long time. */
const read = new WeakMap<object, Readonly<Record<string, unknown>> | Problem>();

/** Reads a journalled resource strictly: a spec with a field that this agent does not understand is refused, never half obeyed. */
export function parseWish<K extends ResourceKind>(resource: Resource & { readonly kind: K }): Wish<K> | Problem {
  const spec = read.get(resource.spec) ?? readSpec(resource);
  read.set(resource.spec, spec);
  // Sound: the schema was chosen by the same kind.
  return spec instanceof Problem ? spec : ({ ...resource, spec } as unknown as Wish<K>);
}

function readSpec(resource: Resource): Readonly<Record<string, unknown>> | Problem {
  const parsed = SPEC_SCHEMAS[resource.kind].safeParse(resource.spec);
  if (parsed.success) return parsed.data;
  const problem = problemOfInput(parsed.error, `the ${resource.kind}'s spec`);
  return new Problem('unsupported', `this host's agent does not understand the wish: ${problem.message}`, {
    suggestion: 'upgrade the agent on this host',
    field: problem.field,
  });
}

/** The wishes of the journal, and the storages and networks that they describe, opened once per change of their settings. */
export interface Wishes {
  get<K extends ResourceKind>(kind: K, id: string): Wish<K> | null;
  all<K extends ResourceKind>(kind: K): readonly Wish<K>[];
  /** Throws Problem when there is no such wish, no such driver, or its settings are not understood. */
  storage(id: string): Storage;
  network(id: string): Network;
  /** The same; null where those throw. What is wrong its own status says, and what needs it finds it missing. */
  findStorage(id: string): Storage | null;
  findNetwork(id: string): Network | null;
  /** Calls `open` for each network once it is opened: the place to watch it. */
  onNetwork(opened: (id: string, network: Network) => void): void;
}

export function createWishes(journal: Journal, drivers: Drivers): Wishes {
  const storages = openedOnce((driver: string, id: string, config: unknown) => {
    const found = drivers.storages.get(driver);
    if (!found) throw new Problem('unsupported', `this host has no storage driver ${driver}`);
    return found.open(id, config);
  });
  let networkOpened: (id: string, network: Network) => void = () => {};
  const networks = openedOnce((driver: string, id: string, config: unknown) => {
    const found = drivers.networks.get(driver);
    if (!found) throw new Problem('unsupported', `this host has no network driver ${driver}`);
    const network = found.open(id, config);
    networkOpened(id, network);
    return network;
  });

  function get<K extends ResourceKind>(kind: K, id: string): Wish<K> | null {
    const entry = journal.get({ kind, id });
    return entry && entry.goneAtMs === undefined ? understoodWish({ ...entry.resource, kind }) : null;
  }

  const storage = (id: string): Storage => storages(get('storage', id), `storage ${id}`);
  const network = (id: string): Network => networks(get('network', id), `network ${id}`);
  return {
    get,
    all: <K extends ResourceKind>(kind: K) =>
      journal.all().flatMap((entry) => (entry.resource.kind === kind ? (understoodWish({ ...entry.resource, kind }) ?? []) : [])),
    storage,
    network,
    findStorage: (id) => unlessProblem(() => storage(id)),
    findNetwork: (id) => unlessProblem(() => network(id)),
    onNetwork(opened) {
      networkOpened = opened;
    },
  };
}

function unlessProblem<T>(open: () => T): T | null {
  try {
    return open();
  } catch (thrown) {
    if (thrown instanceof Problem) return null;
    throw thrown;
  }
}

function openedOnce<T>(open: (driver: string, id: string, config: unknown) => T) {
  const opened = new Map<string, { readonly digest: string; readonly value: T }>();
  return (wish: Wish<'storage'> | Wish<'network'> | null, what: string): T => {
    if (!wish) throw new Problem('not-found', `this host has no ${what}`);
    const settings = digest([wish.spec.driver, wish.spec.config]);
    const known = opened.get(wish.id);
    if (known?.digest === settings) return known.value;
    const value = open(wish.spec.driver, wish.id, wish.spec.config);
    opened.set(wish.id, { digest: settings, value });
    return value;
  };
}

/** Null for a wish that this agent does not understand: its own status says so, and what needs it finds it missing. */
function understoodWish<K extends ResourceKind>(resource: Resource & { readonly kind: K }): Wish<K> | null {
  const wish = parseWish(resource);
  return wish instanceof Problem ? null : wish;
}
