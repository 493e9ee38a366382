import { DEFAULT_CELL } from '@drover/shared/protocol/topic';

export const BROKERS = ['embedded', 'mosquitto'] as const;
export type BrokerName = (typeof BROKERS)[number];

/** One broker, and how many of the fleet's hosts are on it. */
export interface PlannedCell {
  readonly name: string;
  readonly broker: BrokerName;
  readonly hosts: number;
}

/**
 * Which broker has which hosts, in the order of the hosts. One has them all, unless those are more connections than the system lets
 * one process have: what the embedded broker cannot take goes to as many Mosquittos as it needs, in equal parts.
 */
export function planCells(hosts: number, broker: BrokerName, connectionsMax: number): readonly PlannedCell[] {
  const own = broker === 'embedded' ? Math.min(hosts, connectionsMax) : 0;
  const rest = hosts - own;
  const others = Math.ceil(rest / connectionsMax);
  const before = (index: number): number => Math.floor((rest * index) / others);
  return [
    ...(own > 0 ? [{ name: DEFAULT_CELL, broker, hosts: own }] : []),
    ...Array.from({ length: others }, (_, index): PlannedCell => {
      return { name: `mosquitto-${index + 1}`, broker: 'mosquitto', hosts: before(index + 1) - before(index) };
    }),
  ];
}

/** The cell of each host. */
export const cellsOfHosts = (cells: readonly PlannedCell[]): readonly string[] =>
  cells.flatMap(({ name, hosts }) => Array.from({ length: hosts }, () => name));
