import { join } from 'node:path';
import { Problem } from '@drover/shared/lib/problem';

const PORT_DEFAULT = 8420;

export interface Settings {
  readonly dataPath: string;
  readonly port: number;
  /** Null: all addresses. */
  readonly host: string | null;
  /** Null: the one that each request was sent to. */
  readonly publicUrl: string | null;
}

type Env = Readonly<Record<string, string | undefined>>;

/** What the environment says; an empty variable is one that is not set. Throws Problem. */
export function settingsOf(env: Env, { isRoot, home }: { readonly isRoot: boolean; readonly home: string }): Settings {
  return {
    dataPath: env.DROVER_DATA || (isRoot ? '/var/lib/drover' : join(home, '.local/share/drover')),
    port: portOf(env.DROVER_PORT),
    host: env.DROVER_LISTEN || null,
    publicUrl: publicUrlOf(env.DROVER_PUBLIC_URL),
  };
}

function portOf(text: string | undefined): number {
  if (text === undefined || text === '') return PORT_DEFAULT;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new Problem('bad-request', `DROVER_PORT is ${JSON.stringify(text)}, not a port number`);
}

function publicUrlOf(text: string | undefined): string | null {
  if (text === undefined || text === '') return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  throw new Problem('bad-request', `DROVER_PUBLIC_URL is ${JSON.stringify(text)}, not the address of a control plane`, {
    suggestion: 'write it as people type it, without a path: https://drover.example.org',
  });
}
