import { z } from 'zod';

/** /etc/drover/agent.json, or agent.json in the data folder: what the host's owner decides. */
export const AgentConfig = z.strictObject({
  controlPlaneUrl: z.url({ protocol: /^https?$/ }),
  /** Journal, key, and by default guests. */
  dataPath: z.string().startsWith('/'),
  /** Sockets and process ids of running guests; on a tmpfs, so that a reboot of the host clears it. */
  runPath: z.string().startsWith('/'),
  /** Sets the names of devices and units apart where two agents share a machine (tests); empty for real. */
  instance: z
    .string()
    .regex(/^[a-z0-9]{0,3}$/)
    .default(''),
  /** Folders that storages may use: a storage outside of them is refused. */
  storagePaths: z.array(z.string().startsWith('/')).min(1),
  /** Bridges that networks may make. */
  bridges: z.array(z.string().regex(/^[a-z][a-z0-9-]{0,14}$/)).min(1),
  debianMirror: z.url({ protocol: /^https?$/ }).default('http://deb.debian.org/debian'),
});
export type AgentConfig = z.infer<typeof AgentConfig>;
