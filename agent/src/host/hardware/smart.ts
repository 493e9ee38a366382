import type { DiskHealth } from '@drover/shared/model/hardware';
import { z } from 'zod';
import { known } from './sysfs.ts';

/** A disk that sleeps is left asleep. */
export const smartArguments = (device: string): readonly string[] => ['--json', '--health', '--attributes', '--nocheck=standby', device];

const Smart = z.object({
  smartctl: z.object({ messages: z.array(z.object({ string: z.string() })).optional() }).optional(),
  smart_status: z.object({ passed: z.boolean() }).optional(),
  power_on_time: z.object({ hours: z.number() }).optional(),
  nvme_smart_health_information_log: z
    .object({ percentage_used: z.number().optional(), critical_warning: z.number().optional() })
    .optional(),
});

/** What `smartctl --json` says; its exit code only repeats it. */
export function parseSmart(output: string): DiskHealth {
  const parsed = Smart.safeParse(jsonOf(output));
  if (!parsed.success) return { state: 'unknown', detail: 'smartctl gave no answer that is understood' };
  const { smart_status: status, nvme_smart_health_information_log: nvme, smartctl, power_on_time: time } = parsed.data;
  const measured = known({
    worn: nvme?.percentage_used === undefined ? undefined : nvme.percentage_used / 100,
    poweredOnHours: time === undefined ? undefined : Math.floor(time.hours / 100) * 100,
  });
  if (status === undefined) {
    const why = smartctl?.messages?.map(({ string }) => string).join('; ');
    return { state: 'unknown', detail: why ? `smartctl: ${why.slice(0, 300)}` : 'the disk does not say', ...measured };
  }
  if (!status.passed) return { state: 'failing', detail: 'the disk says that it fails: replace it', ...measured };
  // NVMe's own warnings: spare blocks run out, too hot, read only, no longer reliable.
  if ((nvme?.critical_warning ?? 0) !== 0)
    return { state: 'failing', detail: 'the disk warns that it wears out or is too hot', ...measured };
  return { state: 'good', ...measured };
}

function jsonOf(output: string): unknown {
  try {
    return JSON.parse(output);
  } catch {
    return null;
  }
}
