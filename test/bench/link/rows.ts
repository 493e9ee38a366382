import type { RowDefinition } from '../rows.ts';

/** What is demanded of a fleet of so many hosts: some limits are for a size of fleet, and hold for smaller ones too. */
export function linkRows(hosts: number): readonly RowDefinition[] {
  const isSmall = hosts <= 1_000;
  return [
    { row: 'P10', measure: 'api write', title: 'API write → durable and answered', unit: 'ms' },
    { row: 'P10', measure: 'round trip', title: 'one command → acknowledged and stored, p50', unit: 'ms', must: { limit: 3 } },
    { row: 'P10', measure: 'round trip p99', title: 'the same, 100 a second, p99', unit: 'ms', must: { limit: 20 } },
    { row: 'P10', measure: 'commands per second', title: 'commands, sustained, one to a request', unit: 'per s', must: { atLeast: 2_000 } },
    { row: 'P10', measure: 'command cpu', title: 'processor time of one, of those: control plane', unit: 'ms' },
    { row: 'P10', measure: 'command cpu brokers', title: 'brokers beside it', unit: 'ms' },
    { row: 'P10', measure: 'command cpu agents', title: 'all light agents', unit: 'ms' },
    {
      row: 'P10',
      measure: 'commands together per second',
      title: 'the same, a hundred to a request',
      unit: 'per s',
      must: { atLeast: 2_000 },
    },
    { row: 'P10', measure: 'command together cpu', title: 'processor time of one, of those: control plane', unit: 'ms' },
    { row: 'P10', measure: 'command together cpu brokers', title: 'brokers beside it', unit: 'ms' },
    { row: 'P10', measure: 'command together cpu agents', title: 'all light agents', unit: 'ms' },
    {
      row: 'P11',
      measure: 'fan-out',
      title: `one command to each of ${words(Math.min(hosts, 1_000))} hosts, a request for each`,
      unit: 'ms',
      must: { limit: 500 },
    },
    { row: 'P11', measure: 'fan-out together', title: 'the same, in one request', unit: 'ms', must: { limit: 500 } },
    { row: 'P11', measure: 'fan-out to all', title: `one command to each of ${words(hosts)} hosts, a thousand to a request`, unit: 'ms' },
    { row: 'P12', measure: 'change seen', title: 'change on a host → in the event stream, p50', unit: 'ms' },
    {
      row: 'P12',
      measure: 'change seen p99',
      title: 'the same, p99',
      unit: 'ms',
      must: { limit: isSmall ? 250 : 1_000 },
    },
    { row: 'P17', measure: 'api p99', title: 'API, one guest after the other, p99', unit: 'ms', must: { limit: 50 } },
    { row: 'P17', measure: 'page of 100', title: 'page of 100 guests', unit: 'ms', must: { limit: 10 } },
    { row: 'P17', measure: 'reads per second', title: 'reads of a guest', unit: 'per s', must: { atLeast: 3_000 } },
    { row: 'P17', measure: 'read cpu', title: 'processor time of one, of those', unit: 'ms' },
    {
      row: 'P18',
      measure: 'idle cpu',
      title: `control plane with ${words(hosts)} idle hosts: CPU`,
      unit: '% of a core',
      must: { limit: 50 },
    },
    { row: 'P18', measure: 'idle cpu brokers', title: 'brokers beside it: CPU', unit: '% of a core' },
    { row: 'P18', measure: 'idle cpu agents', title: 'all light agents: CPU', unit: '% of a core' },
    { row: 'P18', measure: 'idle memory', title: 'its memory', unit: 'MiB', must: { limit: 600 } },
    { row: 'P18', measure: 'idle api p99', title: 'API meanwhile, p99', unit: 'ms', must: { limit: 100 } },
    { row: 'P18', measure: 'reports', title: 'reports stored', unit: 'per s' },
    { row: 'P18', measure: 'rows per hour', title: 'rows written, per idle host and hour', unit: 'rows' },
    { row: 'P18', measure: 'bytes per hour', title: 'written to disk, per idle host and hour', unit: 'KiB' },
    { row: 'P18', measure: 'growth per hour', title: 'rows that stay, per idle host and hour', unit: 'rows' },
    { row: 'P18', measure: 'first in', title: 'hosts begin → all are in for the first time', unit: 's' },
    { row: 'P18', measure: 'first in cpu', title: 'processor time for that: control plane', unit: 's' },
    { row: 'P18', measure: 'first in cpu brokers', title: 'brokers beside it', unit: 's' },
    { row: 'P18', measure: 'first in cpu agents', title: 'all light agents', unit: 's' },
    { row: 'herd', measure: 'back', title: 'killed → all are back', unit: 's', must: { limit: 120 } },
    { row: 'herd', measure: 'back cpu', title: 'processor time for that: control plane', unit: 's' },
    { row: 'herd', measure: 'back cpu brokers', title: 'brokers beside it', unit: 's' },
    { row: 'herd', measure: 'back cpu agents', title: 'all light agents', unit: 's' },
    { row: 'herd', measure: 'back api p99', title: 'API meanwhile, p99', unit: 'ms', must: { limit: 1_000 } },
    { row: 'herd', measure: 'back api failures', title: 'requests that failed meanwhile', unit: 'requests', must: { limit: 0 } },
  ];
}

export const words = (count: number): string => count.toLocaleString('en-US');
