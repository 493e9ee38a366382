import { z } from 'zod';

/** Beside the patterns rather than in them: not every reader of a JSON Schema knows such classes of characters. */
export function isPlain(text: string): boolean {
  return !/\p{Cc}/u.test(text);
}

/** Where a grant counts, and what a thing is called when rights are asked: segments under "/". */
export const ScopePath = z
  .string()
  .max(500)
  .regex(/^(\/|(\/[^/\s]+)+)$/, 'a path such as "/", "/vms/107" or "/pool/shop": no spaces, no empty parts, no "/" at the end')
  .refine(isPlain, 'a path without control characters')
  .meta({ description: 'A path such as "/", "/vms/107" or "/pool/shop".' });
export type ScopePath = z.infer<typeof ScopePath>;

const PART = '[A-Za-z0-9._@!:+~-]+';
const DROVER_SCOPE = new RegExp(
  `^(/|/vms(/[1-9][0-9]{2,6})?|/(pool)(/${PART}){0,3}|/(tag|nodes|storage|network)(/${PART})?|/access(/(users|groups|roles|directories)(/${PART})?)?)$`,
);

/** The scopes that Drover itself has things under. Whether the thing is there is another question. */
export const DroverScope = ScopePath.refine((path) => DROVER_SCOPE.test(path), {
  error:
    'not a scope of Drover: use "/", "/vms/{id}", "/pool/{name}", "/tag/{tag}", "/nodes/{host}", "/storage/{id}", "/network/{id}" or "/access/…"',
});

/** What rights are asked about: its own path, and the paths of the pools, tags and host that it is in, has, and is on. */
export interface Thing {
  readonly path: string;
  readonly memberOf: readonly string[];
}

/** "/vms/107" is under "/", "/vms" and "/vms/107", in this order. */
export function levelsOf(path: string): string[] {
  const levels = ['/'];
  for (let end = path.indexOf('/', 1); end !== -1; end = path.indexOf('/', end + 1)) levels.push(path.slice(0, end));
  if (path !== '/') levels.push(path);
  return levels;
}

/** A path that nothing can have: it stands for whatever is directly below another and is named nowhere. */
export const anyBelow = (path: string): string => `${path === '/' ? '' : path}/ `;

export const isDirectlyBelow = (path: string, above: string): boolean => {
  const start = above === '/' ? '/' : `${above}/`;
  return path.length > start.length && path.startsWith(start) && !path.includes('/', start.length);
};

export const isAtOrBelow = (path: string, above: string): boolean => path === above || above === '/' || path.startsWith(`${above}/`);

export type ContainerKind = 'pool' | 'tag' | 'host';

/** How a path holds others, or null for one that does not. */
export function containerKindOf(path: string): ContainerKind | null {
  if (path.startsWith('/pool/')) return 'pool';
  if (path.startsWith('/tag/')) return 'tag';
  if (path.startsWith('/nodes/')) return 'host';
  return null;
}
