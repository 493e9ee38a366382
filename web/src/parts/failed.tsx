import type { ProblemView } from '@drover/shared/lib/problem';
import { Button } from '../kit/button.tsx';
import { ProblemNote } from '../kit/problem.tsx';
import { t } from '../text/t.ts';

/** What could not be fetched. It is tried again by itself when the connection is back; sooner when somebody wants. */
export function Failed({ problem, onAgain }: { problem: ProblemView | null; onAgain: () => void }) {
  return (
    <ProblemNote problem={problem}>
      <Button className="mt-2" onClick={onAgain}>
        {t('again')}
      </Button>
    </ProblemNote>
  );
}
