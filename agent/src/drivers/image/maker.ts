import type { ImageSpec } from '@drover/shared/model/image';
import type { AgentConfig } from '../../config.ts';
import { buildContainer } from './build-container.ts';
import { buildVm } from './build-vm.ts';
import type { ImageMaker } from './source.ts';
export function createImageMaker({ config }: { config: AgentConfig; [k: string]: unknown }): ImageMaker {
  return {
    make(spec: ImageSpec, folder, progress, signal) {
      if (spec.source.do !== 'build') throw new Error('soon');
      return spec.form === 'vm'
        ? buildVm(config, spec.source, folder, progress, signal)
        : buildContainer(config, spec.source, folder, progress, signal);
    },
  };
}
