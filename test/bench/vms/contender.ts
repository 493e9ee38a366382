/** One way to run virtual machines, with the verbs that are compared. Each resolves when the contender itself shows that it is so. */
export interface VmContender {
  readonly name: string;
  /** With an empty disk. */
  define(vm: string): Promise<void>;
  /** Until QEMU itself says that the machine runs. */
  start(vm: string): Promise<void>;
  status(vm: string): Promise<void>;
  /** As if its plug were pulled; until the process is gone. */
  destroy(vm: string): Promise<void>;
  remove(vm: string): Promise<void>;
}

export const VM = { memoryBytes: 256 * 2 ** 20, diskBytes: 2 ** 30 } as const;
