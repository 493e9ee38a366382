import type { ReactNode } from 'react';

/** Names and values, one under the other. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className="px-4 pb-2">
      {facts.map(([name, value]) => (
        <div key={name} className="flex min-h-11 items-center justify-between gap-4 border-t border-line py-1">
          <dt className="flex-none text-muted">{name}</dt>
          <dd className="min-w-0 text-right break-words">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
