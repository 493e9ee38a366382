import type { ProblemView } from '@drover/shared/lib/problem';
import type { ReactNode } from 'react';
import { problemOf } from '../api.ts';
import { t } from '../text/t.ts';
import { Icon } from './icon.tsx';

/** What went wrong and what to do about it. */
export function ProblemNote({ problem, children }: { problem: Pick<ProblemView, 'detail' | 'suggestion'> | null; children?: ReactNode }) {
  return (
    <div role="alert" className="flex gap-3 rounded-sm bg-bad-soft p-3">
      <span className="text-bad">
        <Icon name="warning" />
      </span>
      <div className="min-w-0 flex-1">
        <p className="font-semibold text-bad">{problem === null ? t('problem.unreachable') : problem.detail}</p>
        {problem !== null && problem.suggestion === undefined ? null : (
          <p className="text-sm">{problem === null ? t('problem.unreachable.hint') : problem.suggestion}</p>
        )}
        {children}
      </div>
    </div>
  );
}

export function ThrownNote({ error }: { error: unknown }) {
  return error === null || error === undefined ? null : <ProblemNote problem={problemOf(error)} />;
}
