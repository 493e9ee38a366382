import { explain } from '@drover/shared/access/explain';
import { indexFacts, thingAt } from '@drover/shared/access/index-facts';
import { expect, it } from 'vitest';
import { sketch } from '../../test/access/facts.ts';
import { explainedThing } from './explain-print.ts';

const facts = sketch({
  users: ['ann'],
  groups: { ops: ['ann'] },
  roles: { look: ['VM.Audit'], run: ['VM.PowerMgmt', 'VM.Console'] },
  grants: ['group:ops run /vms', 'user:ann look /vms/107', 'user:ann run /tag/web'],
});
const told = (path: string, names = {}) => {
  const indexed = indexFacts(facts);
  return explainedThing({ ...explain(indexed, { kind: 'user', id: 'ann' }, thingAt(indexed, path), 10), names });
};

it('what the same grant gives stands together, and things are called by name beside their path', () => {
  expect(told('/vms/105', { '/vms/105': 'db', 'group:ops': 'operators' })).toBe(
    'user ann on /vms/105 (db):\n  VM.Console, VM.PowerMgmt\n    run for group operators on /vms\n',
  );
});

it('what is withheld stands with what is in its way', () => {
  expect(told('/vms/107')).toBe(
    'user ann on /vms/107:\n  VM.Audit\n    look for user ann on /vms/107\n\nWithheld:\n  VM.Console, VM.PowerMgmt\n    run for group ops on /vms: replaced by look for user ann on /vms/107\n',
  );
});
