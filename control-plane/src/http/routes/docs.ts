import { API_PAGE_STYLE, apiPage } from '../api-page.ts';
import { type OpenApi, openApiOf } from '../openapi.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute } from '../route.ts';

/** The API's own description; `all` gives every route, these included. */
export function docsRoutes(version: string, all: () => readonly Route[]): Route[] {
  let written: OpenApi | null = null;
  const document = (): OpenApi => {
    written ??= openApiOf(all(), version);
    return written;
  };
  const answer = (contentType: string, text: () => string) => () =>
    reply(text(), { headers: { 'content-type': contentType, 'cache-control': 'no-cache' } });
  return [
    rawRoute({
      method: 'GET',
      path: '/api/v1/openapi.json',
      right: 'public',
      tag: 'about',
      summary: 'This API as an OpenAPI 3.1 document',
      answers: { status: 200, contentType: 'application/json', description: 'The document' },
      handler: answer('application/json', () => JSON.stringify(document())),
    }),
    rawRoute({
      method: 'GET',
      path: '/api',
      right: 'public',
      tag: 'about',
      summary: 'This API as a page',
      answers: { status: 200, contentType: 'text/html', description: 'A page for people' },
      handler: answer('text/html; charset=utf-8', () => apiPage(document())),
    }),
    rawRoute({
      method: 'GET',
      path: '/api/page.css',
      right: 'public',
      tag: 'about',
      summary: 'The look of that page',
      answers: { status: 200, contentType: 'text/css', description: 'A style sheet' },
      handler: answer('text/css; charset=utf-8', () => API_PAGE_STYLE),
    }),
  ];
}
