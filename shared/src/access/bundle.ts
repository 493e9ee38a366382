import { z } from 'zod';
import { Problem } from '../lib/problem.ts';
import { isPlain, ScopePath } from './scope.ts';

const Name = z
  .string()
  .max(200)
  .regex(/^\S(.*\S)?$/, 'a name: 1 to 200 characters, no space at either end')
  .refine(isPlain, 'a name without control characters');
const Privilege = z
  .string()
  .max(100)
  .regex(/^\S+$/, 'the name of a privilege, without spaces')
  .refine(isPlain, 'the name of a privilege, without control characters');
const Names = z.array(Name).max(100_000);
const Paths = z.array(ScopePath).max(100_000);
const Comment = z.string().max(2_000).optional().meta({ description: 'For people; nothing follows from it.' });

const MOMENT_WORDS =
  'use a moment such as "2027-01-31T12:00:00Z", a date (its first moment, UTC), milliseconds since 1970, or null for never';
const MomentMs = z.number({ error: MOMENT_WORDS }).int(MOMENT_WORDS).positive(MOMENT_WORDS);
const Moment = z.union([z.iso.datetime({ offset: true }), z.iso.date(), MomentMs, z.null()], { error: MOMENT_WORDS }).optional();

const BundleUser = z.strictObject({
  name: Name,
  enabled: z.boolean().optional(),
  expires: Moment.meta({ description: 'From then on the user has nothing.' }),
  secondFactor: z.boolean().optional().meta({ description: 'Whether a second factor is set up. Left out: not said.' }),
  email: z.string().max(320).optional(),
  comment: Comment,
});
const BundleGroup = z.strictObject({ name: Name, members: Names.optional().meta({ description: 'Names of users.' }), comment: Comment });
const BundleRole = z.strictObject({
  name: Name,
  privileges: z.array(Privilege).max(10_000).optional(),
  cancels: z
    .boolean()
    .optional()
    .meta({ description: 'Gives nothing, and takes away whatever else was given. So do no-access and NoAccess.' }),
  comment: Comment,
});
const BundlePool = z.strictObject({
  name: z
    .string()
    .regex(/^[^/\s]+(\/[^/\s]+){0,2}$/, 'the name of a pool, such as "shop" or, for one within, "shop/tests"; up to three levels')
    .refine(isPlain, 'a name without control characters')
    .meta({ description: 'Its scope is /pool/{name}.' }),
  members: Paths.optional(),
  comment: Comment,
});
const BundleHolder = z.strictObject({
  name: z
    .string()
    .regex(/^[^/\s]+$/, 'a name without "/" and spaces')
    .refine(isPlain, 'a name without control characters'),
  members: Paths.optional(),
});
const BundleToken = z.strictObject({
  name: Name.meta({ description: 'As in "alice!ci": owner, exclamation mark, name.' }),
  owner: Name.optional().meta({ description: 'A user. Left out: what stands before the exclamation mark.' }),
  ownGrantsOnly: z.boolean().optional().meta({ description: 'Left out: true.' }),
  expires: Moment,
  comment: Comment,
});
const BundleGrant = z.strictObject({
  principal: z
    .string()
    .max(210)
    .regex(/^(user|group|token):\S/, 'who is meant: "user:alice", "group:ops" or "token:alice!ci"'),
  scope: ScopePath,
  role: Name,
  inherit: z.boolean().optional().meta({ description: 'Whether it counts below the scope too. Left out: true.' }),
  until: Moment.meta({ description: 'From then on the grant does not exist.' }),
  comment: Comment,
});

/** Users, roles and grants in a file, to be judged without a fleet. Paths, roles and privileges may be of one's own. */
export const Bundle = z.strictObject({
  $schema: z.string().optional(),
  users: z.array(BundleUser).max(100_000).optional(),
  groups: z.array(BundleGroup).max(100_000).optional(),
  privileges: z
    .array(Privilege)
    .max(10_000)
    .optional()
    .meta({ description: 'If given: all that there are; a role with another is refused.' }),
  roles: z.array(BundleRole).max(10_000).optional(),
  pools: z.array(BundlePool).max(100_000).optional(),
  tags: z.array(BundleHolder).max(100_000).optional().meta({ description: 'What has a tag; its scope is /tag/{name}.' }),
  hosts: z.array(BundleHolder).max(100_000).optional().meta({ description: 'What is on a host; its scope is /nodes/{name}.' }),
  things: Paths.optional().meta({ description: 'Paths of things that are there, besides those that are members of something.' }),
  tokens: z.array(BundleToken).max(100_000).optional(),
  grants: z.array(BundleGrant).max(100_000).optional(),
});
export type Bundle = z.infer<typeof Bundle>;

/** JSON in, a bundle out; whatever is wrong is said with its place and what to do about it. */
export function readBundle(text: string): Bundle {
  let value: unknown;
  try {
    // Some editors begin a file with a mark of its byte order.
    value = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new Problem('bad-request', `the bundle is not JSON: ${detail}`, { suggestion: 'It must be one JSON object.', cause });
  }
  const parsed = Bundle.safeParse(value);
  if (!parsed.success) throw problemOf(parsed.error);
  refuseDuplicates(parsed.data);
  return parsed.data;
}

/** The JSON Schema of a bundle, as docs/access-bundle.schema.json has it. */
export function bundleSchema(): string {
  return `${JSON.stringify({ title: 'Drover access bundle', ...z.toJSONSchema(Bundle, { io: 'input' }) }, null, 2)}\n`;
}

const SEE_SCHEMA = 'The command "drover access schema" prints what a bundle may hold.';

function problemOf(error: z.ZodError): Problem {
  const issue = error.issues[0];
  const at = issue?.path.map(String).join('.') ?? '';
  if (issue?.code !== 'unrecognized_keys')
    return new Problem('bad-request', `${at || 'the bundle'}: ${issue?.message ?? 'not valid'}`, {
      field: at || undefined,
      suggestion: SEE_SCHEMA,
    });
  const key = issue.keys[0] ?? '';
  const field = at === '' ? key : `${at}.${key}`;
  return new Problem('bad-request', `${field}: there is no such field`, {
    field,
    suggestion: `Remove it or correct its name. ${SEE_SCHEMA}`,
  });
}

const LISTS = ['users', 'groups', 'roles', 'pools', 'tags', 'hosts', 'tokens'] as const;

/** Two of one name would leave open which of them counts. */
function refuseDuplicates(bundle: Bundle): void {
  for (const list of LISTS) {
    const firsts = new Map<string, number>();
    for (const [index, { name }] of (bundle[list] ?? []).entries()) {
      const first = firsts.get(name);
      if (first !== undefined)
        throw new Problem('bad-request', `${list}.${index}.name: "${name}" is there already, as ${list}.${first}`, {
          field: `${list}.${index}.name`,
          suggestion: 'Make them one, or name one of them differently.',
        });
      firsts.set(name, index);
    }
  }
}
