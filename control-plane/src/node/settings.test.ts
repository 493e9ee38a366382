import { describe, expect, it } from 'vitest';
import { settingsOf } from './settings.ts';

const settings = (env: Readonly<Record<string, string>>) => settingsOf(env, { isRoot: false, home: '/home/anna' });

describe('what the control plane is told by its environment', () => {
  it('has a default for everything', () => {
    expect(settings({})).toEqual({
      dataPath: '/home/anna/.local/share/drover',
      port: 8420,
      host: null,
      publicUrl: null,
      mqttPort: null,
      vaultKeysPath: null,
      database: null,
    });
    expect(settingsOf({}, { isRoot: true, home: '/root' }).dataPath).toBe('/var/lib/drover');
    expect(settings({ DROVER_DATA: '', DROVER_PORT: '', DROVER_LISTEN: '', DROVER_PUBLIC_URL: '' })).toEqual(settings({}));
  });

  it('is not misled by where the command line goes', () => {
    expect(settings({ DROVER_URL: 'https://elsewhere.example.org' }).publicUrl).toBeNull();
  });

  it('takes an address with or without a slash at its end', () => {
    for (const url of ['https://drover.example.org', 'https://drover.example.org/', 'https://DROVER.example.org:443']) {
      expect(settings({ DROVER_PUBLIC_URL: url }).publicUrl).toBe('https://drover.example.org');
    }
  });

  it('takes a database server, with a token or without', () => {
    const env = { DROVER_DATABASE_URL: 'libsql://db.example.org', DROVER_DATABASE_TOKEN: 't' };
    expect(settings(env).database).toEqual({ url: 'libsql://db.example.org', token: 't' });
    expect(settings({ DROVER_DATABASE_URL: 'http://127.0.0.1:8080' }).database).toEqual({ url: 'http://127.0.0.1:8080', token: null });
    expect(() => settings({ DROVER_DATABASE_URL: '/var/lib/drover.db' })).toThrow(/^DROVER_DATABASE_URL is ".*", not the address/);
  });

  it('refuses what is no address and what is no port, by name', () => {
    for (const url of ['drover.example.org', 'ftp://drover.example.org', 'https://example.org/drover', 'https://u:p@example.org']) {
      expect(() => settings({ DROVER_PUBLIC_URL: url })).toThrow(/^DROVER_PUBLIC_URL is ".*", not the address/);
    }
    for (const port of ['80a', '-1', '65536', '1e3', ' ']) {
      expect(() => settings({ DROVER_PORT: port })).toThrow(/^DROVER_PORT is ".*", not a port number/);
    }
  });
});
