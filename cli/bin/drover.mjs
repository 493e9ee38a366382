#!/usr/bin/env node
/** `drover` in the clone: builds the command line first when its sources are newer. */
import { ensureDependencies, nodeTooOld } from '../../infra/dependencies.mjs';

const tooOld = nodeTooOld();
if (tooOld) {
  console.error(tooOld);
  process.exit(1);
}
const { build, isStale } = await import('../../infra/build.mjs');
if (isStale('cli')) {
  ensureDependencies();
  await build(['cli']).catch((error) => {
    console.error(`The command line could not be built:\n${error.message}`);
    process.exit(1);
  });
}
await import('../dist/drover.js');
