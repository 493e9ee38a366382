import type { ReactNode } from 'react';
import { queries } from '../queries.ts';

/** What is known of the account is asked for anew. */
export const accountChanged = (): Promise<void> => queries.invalidateQueries({ queryKey: ['account'] });

export function AccountCard({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card min-w-0 space-y-3 p-4" aria-label={title}>
      <h2 className="font-semibold">{title}</h2>
      {children}
    </section>
  );
}
