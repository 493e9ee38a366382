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
  /** Null: MQTT over WebSockets alone. */
  readonly mqttPort: number | null;
  /** The file of the keys that secrets are sealed with; null: among the data. */
  readonly vaultKeysPath: string | null;
  /** Null: a file. */
  readonly database: { readonly url: string; readonly token: string | null } | null;
}

type Env = Readonly<Record<string, string | undefined>>;

/** What the environment says; an empty variable is one that is not set. Throws Problem. */
export function settingsOf(env: Env, { isRoot, home }: { readonly isRoot: boolean; readonly home: string }): Settings {
  return {
    dataPath: env.DROVER_DATA || (isRoot ? '/var/lib/drover' : join(home, '.local/share/drover')),
    port: portOf('DROVER_PORT', env.DROVER_PORT) ?? PORT_DEFAULT,
    host: env.DROVER_LISTEN || null,
    publicUrl: publicUrlOf(env.DROVER_PUBLIC_URL),
    mqttPort: portOf('DROVER_MQTT_PORT', env.DROVER_MQTT_PORT),
    vaultKeysPath: env.DROVER_VAULT_KEYS || null,
    database: databaseOf(env.DROVER_DATABASE_URL, env.DROVER_DATABASE_TOKEN),
  };
}

function portOf(name: string, text: string | undefined): number | null {
  if (text === undefined || text === '') return null;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new Problem('bad-request', `${name} is ${JSON.stringify(text)}, not a port number`);
}

function publicUrlOf(text: string | undefined): string | null {
  if (text === undefined || text === '') return null;
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  throw new Problem('bad-request', `DROVER_PUBLIC_URL is ${JSON.stringify(text)}, not the address of a control plane`, {
    suggestion: 'write it as people type it, without a path: https://drover.example.org',
  });
}

function databaseOf(url: string | undefined, token: string | undefined): Settings['database'] {
  if (url === undefined || url === '') return null;
  if (URL.canParse(url) && /^(libsql|https?|wss?):$/.test(new URL(url).protocol)) return { url, token: token || null };
  throw new Problem('bad-request', `DROVER_DATABASE_URL is ${JSON.stringify(url)}, not the address of a libSQL server`, {
    suggestion: 'write libsql://… or http://…, or leave it out to keep the database in a file',
  });
}
