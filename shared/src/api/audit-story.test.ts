import { expect, it } from 'vitest';
import { storyOf } from './audit-story.ts';

const web = { kind: 'guest', id: '107', name: 'web', outcome: 'done', detail: null } as const;

it.each([
  [{ ...web, action: 'POST /api/v1/guests/{guest}/shutdown' }, 'shut down guest web'],
  [{ ...web, action: 'POST /api/v1/guests/shutdown' }, 'shut down guest web'],
  [{ ...web, action: 'POST /api/v1/guests' }, 'made guest web'],
  [{ ...web, action: 'PATCH /api/v1/guests/{guest}', detail: 'cores' }, 'edited guest web: cores'],
  [{ ...web, action: 'DELETE /api/v1/guests/{guest}', name: null }, 'removed guest 107'],
  [{ ...web, action: 'sign in', kind: 'user', detail: 'by passkey' }, 'signed in, by passkey'],
  [{ ...web, action: 'sign in', outcome: 'failed', detail: 'this code is wrong' } as const, 'could not sign in: this code is wrong'],
  [{ ...web, action: 'POST /x', outcome: 'refused', detail: 'this needs VM.Audit' } as const, 'was refused: this needs VM.Audit (POST /x)'],
  [{ ...web, action: 'enrol a host', kind: 'host', name: 'fra-1' }, 'enrolled host fra-1'],
])('%j is told as "%s"', (entry, words) => {
  expect(storyOf(entry)).toBe(words);
});
