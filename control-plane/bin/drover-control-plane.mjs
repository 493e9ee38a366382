#!/usr/bin/env node
/** `drover-control-plane` in the clone: builds the control plane first when its sources are newer. */
import { ensureDependencies, nodeTooOld } from '../../infra/dependencies.mjs';

const tooOld = nodeTooOld();
if (tooOld) {
  console.error(tooOld);
  process.exit(1);
}
const { build, isStale } = await import('../../infra/build.mjs');
if (isStale('control-plane')) {
  ensureDependencies();
  await build(['control-plane']).catch((error) => {
    console.error(`The control plane could not be built:\n${error.message}`);
    process.exit(1);
  });
}
await import('../dist/main.js');
