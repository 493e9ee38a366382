import type { ErrorComponentProps } from '@tanstack/react-router';
import { Button } from '../kit/button.tsx';
import { CopyButton } from '../kit/copy.tsx';
import { t } from '../text/t.ts';

/** A fault of the page itself: the places around it stay, and there is a way on. */
export function Broken({ error }: ErrorComponentProps) {
  const words = String(error);
  return (
    <section role="alert" className="card mx-auto mt-4 max-w-xl space-y-4 p-6">
      <h1 className="text-lg font-semibold">{t('broken.title')}</h1>
      <p className="text-muted">{t('broken.hint')}</p>
      <p className="flex items-start gap-2 rounded-sm bg-sunken p-3 font-mono text-sm break-words">
        <span className="min-w-0 flex-1">{words}</span>
        <CopyButton text={words} label={t('broken.copy')} />
      </p>
      <Button look="primary" onClick={() => location.reload()}>
        {t('broken.again')}
      </Button>
    </section>
  );
}
