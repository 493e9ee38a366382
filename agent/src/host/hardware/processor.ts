import type { NumaNode } from '@drover/shared/model/hardware';
import type { Processor } from '@drover/shared/model/host';
import { known, namesIn, readLine } from './sysfs.ts';

export interface Processors {
  readonly about: Processor;
  readonly model: string | null;
  readonly flags: readonly string[];
}

/** Reads /proc/cpuinfo. Without topology in it (as on arm64) sockets and cores are not known. */
export function parseCpuinfo(text: string): Processors {
  const blocks = text
    .split(/\n\s*\n/)
    .map((block) => new Map([...block.matchAll(/^([^\t:]+?)\s*:[ \t]*(.*)$/gm)].map(([, name = '', value = '']) => [name, value])))
    .filter((block) => block.has('processor'));
  const first = blocks[0];
  const of = (name: string): string | null => first?.get(name) || null;
  const flags = (of('flags') ?? of('Features') ?? '').split(' ').filter((flag) => flag !== '');
  const sockets = new Set(blocks.flatMap((block) => block.get('physical id') ?? []));
  const cores = new Set(blocks.flatMap((block) => (block.has('core id') ? `${block.get('physical id')}/${block.get('core id')}` : [])));
  return {
    about: {
      threads: blocks.length,
      virtualization: flags.includes('vmx') ? 'vmx' : flags.includes('svm') ? 'svm' : null,
      ...known({
        vendor: of('vendor_id'),
        sockets: sockets.size || null,
        cores: cores.size || null,
        microcode: of('microcode'),
      }),
    },
    model: of('model name'),
    flags,
  };
}

export function readNuma(sys = '/sys'): NumaNode[] {
  const folder = `${sys}/devices/system/node`;
  return namesIn(folder).flatMap((name) => {
    const node = /^node(\d+)$/.exec(name)?.[1];
    if (node === undefined) return [];
    const kibibytes = /MemTotal:\s+(\d+) kB/.exec(readLine(`${folder}/${name}/meminfo`) ?? '')?.[1];
    if (kibibytes === undefined) return [];
    return [{ node: Number(node), cpus: readLine(`${folder}/${name}/cpulist`) ?? '', memoryBytes: Number(kibibytes) * 1024 }];
  });
}
