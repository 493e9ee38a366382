import { expect, it } from 'vitest';
import { areNatRules, natRuleset, natTableName } from './nat-rules.ts';
import { parseNatSettings } from './nat-settings.ts';

const settings = parseNatSettings({ bridge: 'drover-lab', subnet: '10.84.0.0/24' });

it('a network replaces its own table and names no other', async () => {
  const ruleset = natRuleset('', settings);
  await expect(ruleset).toMatchFileSnapshot('../../../../test/golden/nat/rules.nft');
  expect(ruleset.match(/^(table|delete|flush|add|destroy) .*$/gm)).toEqual([
    'table inet drover_drover_lab {}',
    'delete table inet drover_drover_lab',
    'table inet drover_drover_lab {',
  ]);
});

it('agents that share a host have tables of their own', () => {
  expect(natTableName('a', 'br-1')).toBe('drovera_br_1');
  expect(natTableName('', 'br-1')).toBe('drover_br_1');
});

it('rules count as loaded only whole, and only those of the same settings', () => {
  const listed = natRuleset('', settings).split('\n').slice(2).join('\n');
  expect(areNatRules(listed, settings)).toBe(true);
  expect(areNatRules(listed.replace(/^.*masquerade$/m, ''), settings)).toBe(false);
  expect(areNatRules(listed, parseNatSettings({ bridge: 'drover-lab', subnet: '10.85.0.0/24' }))).toBe(false);
  expect(areNatRules('', settings)).toBe(false);
});
