import { PROBLEM_STATUS, type Problem } from '@drover/shared/lib/problem';
import { reply } from './reply.ts';

export const PROBLEM_TYPE = 'application/problem+json';

/** RFC 9457. What a bug says is for the log, not for the caller. */
export function problemResponse(problem: Problem, headers: Record<string, string> = {}): Response {
  const view = problem.view();
  if (problem.code === 'internal') {
    view.detail = 'Drover met an error of its own; the control plane has logged it.';
  }
  return reply(JSON.stringify({ type: `urn:drover:problem:${problem.code}`, ...view }), {
    status: PROBLEM_STATUS[problem.code],
    headers: { 'content-type': PROBLEM_TYPE, 'cache-control': 'no-store', ...headers },
  });
}
