import { join } from 'node:path';

/** Of the checkout: two folders above this file, and above the bundles that infra/run.mjs makes. */
export const ROOT = join(import.meta.dirname, '../..');
