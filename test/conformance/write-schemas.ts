import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleSchema } from '../../shared/src/access/bundle.ts';
import { SCHEMA_FOLDER, schemaFiles } from './schemas.ts';

/** `npm run schemas`: writes docs/protocol/ and the schema of access bundles anew. */
mkdirSync(SCHEMA_FOLDER, { recursive: true });
for (const name of readdirSync(SCHEMA_FOLDER)) rmSync(join(SCHEMA_FOLDER, name));
for (const [name, text] of schemaFiles()) writeFileSync(join(SCHEMA_FOLDER, name), text);
console.log(`${schemaFiles().size} schemas in ${SCHEMA_FOLDER}`);
writeFileSync('docs/access-bundle.schema.json', bundleSchema());
