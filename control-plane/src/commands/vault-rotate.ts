import { realClock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { lockFolder } from '../node/lock.ts';
import { openVaultOf, sealFilesAnew } from '../node/vault-of-folder.ts';
import { rotateVault } from '../rotate-vault.ts';
import type { Command } from './command.ts';
import { existingFolder, storeOf } from './data.ts';

export const vaultRotate: Command = {
  words: 'vault rotate',
  summary: 'seals every secret anew, with a new key; while the control plane is not running',
  async run(settings, rest, say) {
    if (rest.length > 0) throw new Problem('bad-request', `vault rotate takes nothing more, not "${rest.join(' ')}"`);
    const folder = existingFolder(settings);
    const unlock = await lockFolder(folder);
    try {
      const vault = openVaultOf(folder, settings.vaultKeysPath, () => realClock.now());
      const store = await storeOf(folder, settings);
      try {
        const count = await rotateVault({ vault, values: store.sealed, sealFilesAnew: () => sealFilesAnew(folder, vault) });
        say(`Everything is sealed by a new key: the files in ${folder}, and ${count} secrets in the database.`);
        say('Back up the file of keys again: backups of the rest that are older open only with the keys of their time.');
        if (settings.database)
          say('Copy it, signing-key.json and broker-secret to the other control planes on this database before they start.');
      } finally {
        store.close();
      }
    } finally {
      unlock();
    }
  },
};
