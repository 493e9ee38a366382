import { CopyButton } from '../kit/copy.tsx';
import { t } from '../text/t.ts';

/** Recovery codes, the one time that they are shown. */
export function FreshCodes({ codes }: { codes: readonly string[] }) {
  return (
    <div role="status" className="space-y-2 rounded-sm border border-line bg-sunken p-3">
      <p className="flex items-start gap-2 text-sm">
        <span className="min-w-0 flex-1">{t('account.codes.shown')}</span>
        <CopyButton text={codes.join('\n')} label={t('account.codes.copy')} />
      </p>
      <ol className="grid grid-cols-2 gap-x-4 font-mono text-sm">
        {codes.map((code) => (
          <li key={code}>{code}</li>
        ))}
      </ol>
    </div>
  );
}
