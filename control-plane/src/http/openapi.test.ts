import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AppWorld, createAppWorld } from '../../../test/control-plane/app-world.ts';
import { routesOf } from './app.ts';
import { COMPONENTS, SCHEMAS } from './components.ts';
import { EXAMPLES } from './examples.ts';
import { inWords } from './need.ts';
import { type OpenApi, openApiOf } from './openapi.ts';
import { createUploadRoom } from './upload.ts';

let world: AppWorld;
beforeEach(async () => {
  world = await createAppWorld();
});
afterEach(() => world.close());

describe('the OpenAPI document', () => {
  it('describes every route, with its right and its parameters', async () => {
    const routes = routesOf(world.deps, createUploadRoom(world.deps));
    const document: OpenApi = (await world.ask('GET', '/api/v1/openapi.json', { as: null })).json;
    expect(document).toEqual(JSON.parse(JSON.stringify(openApiOf(routes, '0.1.0'))));
    expect(document.openapi).toBe('3.1.0');
    for (const route of routes) {
      const operation = document.paths[route.path]?.[route.method.toLowerCase()];
      expect([route.path, operation?.['x-drover-right']]).toEqual([route.path, inWords(route.right)]);
      const named = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(operation?.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name)).toEqual(named);
    }
    const ids = Object.values(document.paths).flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('refers to nothing that it does not hold', async () => {
    const { text, json } = await world.ask('GET', '/api/v1/openapi.json');
    const referred = new Set([...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference]) => reference));
    expect(referred.size).toBeGreaterThan(20);
    for (const reference of referred) {
      const id = reference?.replace('#/components/schemas/', '') ?? '';
      expect(Object.keys(json.components.schemas)).toContain(id);
    }
  });

  it('shows examples that its own schemas accept', () => {
    for (const [id, example] of Object.entries(EXAMPLES)) {
      const schema = SCHEMAS[id];
      expect([id, schema && COMPONENTS.get(schema)?.id]).toEqual([id, id]);
      expect([id, schema && z.safeParse(schema, example).error]).toEqual([id, undefined]);
    }
  });

  it('is a page too, that needs nothing from elsewhere and no script', async () => {
    const page = await world.ask('GET', '/api', { as: null });
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.text).not.toMatch(/<script|https?:\/\//);
    expect(page.text).toContain('/api/v1/guests/{guest}/shutdown');
    expect((await world.ask('GET', '/api/page.css', { as: null })).headers.get('content-type')).toContain('text/css');
  });
});
