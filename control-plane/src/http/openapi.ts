import { PROBLEM_STATUS, type ProblemCode } from '@drover/shared/lib/problem';
import { z } from 'zod';
import { COMPONENTS } from './components.ts';
import { EXAMPLES } from './examples.ts';
import { inWords } from './need.ts';
import { PROBLEM_TYPE } from './problems.ts';
import type { Route } from './route.ts';

/** The OpenAPI 3.1 document, written from the very routes and schemas that serve. */
export interface OpenApi {
  readonly openapi: '3.1.0';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>>; readonly securitySchemes: unknown };
  readonly security: unknown;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly 'x-drover-right': string;
  readonly security?: readonly [];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: true; readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly headers?: unknown; readonly content?: Content }>>;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

type Content = Readonly<Record<string, { readonly schema?: JsonSchema; readonly example?: unknown }>>;

export function openApiOf(routes: readonly Route[], version: string): OpenApi {
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const operations = paths[route.path] ?? {};
    operations[route.method.toLowerCase()] = operationOf(route);
    paths[route.path] = operations;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Drover',
      version,
      description:
        'Sizes are bytes, times epoch milliseconds. Errors are application/problem+json with a code from a closed list. Writes take an Idempotency-Key; ETag and If-Match carry generations.',
    },
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
    paths,
    components: {
      schemas: schemasOf(),
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'drover_session_8420' },
      },
    },
    security: [{ token: [] }, { session: [] }],
  };
}

function operationOf(route: Route): Operation {
  const isWrite = route.method !== 'GET';
  const id = COMPONENTS.get(route.response ?? z.never())?.id;
  return {
    operationId: `${route.method.toLowerCase()}${route.path.replace(/^\/(api|agent)\/v1/, '').replace(/[^A-Za-z]+(\w?)/g, (_all, letter: string) => letter.toUpperCase())}`,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    'x-drover-right': inWords(route.right),
    ...(route.right === 'public' ? { security: [] as const } : {}),
    parameters: [
      ...parametersOf(route.params, 'path'),
      ...parametersOf(route.query, 'query'),
      ...(route.conditional ? [headerOf('If-Match', 'The generation that this write rests on, in quotes; another one answers 412.')] : []),
      ...(isWrite && route.right !== 'public'
        ? [headerOf('Idempotency-Key', 'The same key and request again gives the first answer again.')]
        : []),
    ],
    ...requestBodyOf(route),
    responses: {
      [route.status]: {
        description: route.answerDescription,
        ...(route.response
          ? { content: { 'application/json': { schema: schemaOf(route.response), ...exampleOf(id) } } }
          : route.contentType === null
            ? {}
            : { content: { [route.contentType]: {} } }),
      },
      ...problemsOf(route),
    },
  };
}

function requestBodyOf(route: Route): Pick<Operation, 'requestBody'> {
  if (route.bytes !== undefined) return { requestBody: { required: true, content: { [route.bytes]: {} } } };
  if (!route.body) return {};
  const content = { 'application/json': { schema: schemaOf(route.body), ...exampleOf(COMPONENTS.get(route.body)?.id) } };
  return { requestBody: { required: true, content } };
}

const exampleOf = (id: string | undefined): { example?: unknown } => (id !== undefined && id in EXAMPLES ? { example: EXAMPLES[id] } : {});

function problemsOf(route: Route): Operation['responses'] {
  const codes: ProblemCode[] = ['bad-request'];
  if (route.right !== 'public') codes.push('not-signed-in', 'not-allowed');
  if (route.params) codes.push('not-found');
  if (route.conditional) codes.push('stale-generation');
  if (route.method !== 'GET') codes.push('conflict', 'unsupported');
  const answers = codes.map(
    (code) => [PROBLEM_STATUS[code], { description: code.replaceAll('-', ' '), content: PROBLEM_CONTENT }] as const,
  );
  return { ...Object.fromEntries(answers), default: { description: 'any other problem', content: PROBLEM_CONTENT } };
}

const PROBLEM_CONTENT: Content = { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } };

const headerOf = (name: string, description: string): Parameter => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
});

function parametersOf(schema: z.ZodObject | undefined, where: 'path' | 'query'): Parameter[] {
  if (!schema) return [];
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    in: where,
    required: where === 'path' || !z.safeParse(field, undefined).success,
    // Sound: a JSON Schema is a JSON object.
    schema: withoutDialect(z.toJSONSchema(field, { io: 'input', unrepresentable: 'any' }) as JsonSchema),
  }));
}

/** Every body and answer has a name, so that the document says each shape once. */
function schemaOf(schema: z.ZodType): JsonSchema {
  const id = COMPONENTS.get(schema)?.id;
  if (id === undefined) throw new Error('assertion failed: a route uses a schema that components.ts does not name');
  return { $ref: `#/components/schemas/${id}` };
}

function schemasOf(): Record<string, JsonSchema> {
  const { schemas } = z.toJSONSchema(COMPONENTS, { io: 'input', uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, schema]) => [id, { ...withoutDialect(schema as JsonSchema), ...exampleOf(id) }]),
  );
}

function withoutDialect({ $schema: _dialect, $id: _id, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
