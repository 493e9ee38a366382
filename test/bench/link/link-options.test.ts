import { expect, it } from 'vitest';
import { LINK_ROWS, parseLinkOptions } from './link-options.ts';

it('takes every row of both fleets on the embedded broker when nothing is said', () => {
  expect(parseLinkOptions([])).toEqual({
    rows: new Set(LINK_ROWS),
    hosts: [1_000, 10_000],
    guestsPerHost: 1,
    broker: 'embedded',
    jsonPath: null,
  });
});

it('takes what is said', () => {
  const said = ['--hosts', '30000', '--rows', 'p18,HERD', '--guests', '10', '--broker', 'mosquitto', '--json', 'figures.json'];
  expect(parseLinkOptions(said)).toEqual({
    rows: new Set(['P18', 'herd']),
    hosts: [30_000],
    guestsPerHost: 10,
    broker: 'mosquitto',
    jsonPath: 'figures.json',
  });
  expect(parseLinkOptions(['--help'])).toBeNull();
});

it('says what it does not know', () => {
  expect(() => parseLinkOptions(['--rows', 'P1'])).toThrow('--rows: there is no P1; there are P10,');
  expect(() => parseLinkOptions(['--broker', 'emqx'])).toThrow('--broker: there is no emqx; there are embedded, mosquitto');
  expect(() => parseLinkOptions(['--hosts', '0'])).toThrow('--hosts: a whole number from 1 to 40000, not 0');
});
