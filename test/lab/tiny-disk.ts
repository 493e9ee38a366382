import { copyFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../../agent/src/host/shell.ts';
import { ensureTinyVm } from '../contract/tiny-vm.ts';

const MENU = `DEFAULT tiny
PROMPT 0
LABEL tiny
  KERNEL vmlinuz
  INITRD initrd
  APPEND console=ttyS0 quiet panic=-1
`;
const SIZE_MIB = 64;

/** The tiny virtual machine of the contract suites as a disk that boots by itself: for hosts that are given an image and no more. In `folder`, which is the caller's. */
export async function makeTinyDisk(folder: string): Promise<string> {
  const tiny = ensureTinyVm();
  const path = join(folder, 'tiny.img');
  writeFileSync(join(folder, 'syslinux.cfg'), MENU);
  copyFileSync(tiny.kernelPath, join(folder, 'vmlinuz'));
  copyFileSync(tiny.initrdPath, join(folder, 'initrd'));
  await run('mkfs.vfat', ['-C', path, String(SIZE_MIB * 1_024)]);
  await run('mcopy', ['-i', path, join(folder, 'vmlinuz'), join(folder, 'initrd'), join(folder, 'syslinux.cfg'), '::/'], {
    cwd: dirname(path),
  });
  // Without a mount; the disk is the file system, with its boot sector in front.
  await run('syslinux', ['--install', path]);
  return path;
}
