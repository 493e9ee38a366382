import { type ReactNode, useEffect } from 'react';
import { t } from '../text/t.ts';

export function Logo() {
  return <img src="/icon.svg" alt="" width={32} height={32} className="flex-none" />;
}

/** The one thing on the screen before anything else can be shown. */
export function Card({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · ${t('drover')}`;
  }, [title]);
  return (
    <main className="mx-auto flex min-h-dvh w-full max-w-md flex-col justify-center px-4 py-8">
      <div className="card space-y-4 p-6">
        <p className="flex items-center gap-3 text-lg font-semibold">
          <Logo />
          {t('drover')}
        </p>
        <h1 className="text-[22px] leading-tight font-semibold">{title}</h1>
        {children}
      </div>
    </main>
  );
}
