import type { ImageName } from '../images.ts';

/** When a start showed, in ms since it was asked for. */
export interface Started {
  /** At the API itself; null where there is none. */
  readonly seenMs: number | null;
  /** By a sign from inside the guest. */
  readonly insideMs: number;
}

/** One way to keep containers, with the verbs that are compared. Each resolves when the contender itself shows that it is so. */
export interface ContainerContender {
  readonly name: string;
  create(container: string, image?: ImageName): Promise<void>;
  start(container: string): Promise<Started>;
  /** Is this container running? */
  status(container: string): Promise<void>;
  /** All containers with their live state. */
  list(): Promise<void>;
  /** Without asking the guest. */
  stop(container: string): Promise<void>;
  remove(container: string): Promise<void>;
}

/** Written to by the first line of the busybox image's start script. */
export const SIGN_PATH = 'var/log/boots';
