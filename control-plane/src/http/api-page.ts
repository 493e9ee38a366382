import type { JsonSchema, OpenApi, Operation } from './openapi.ts';

/** The OpenAPI document as a page that needs no script and nothing from elsewhere. */
export function apiPage(document: OpenApi): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = document.tags.map(({ name }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    return `<section id="${html(name)}"><h2>${html(name)}</h2>${own.map(operationOf).join('')}</section>`;
  });
  const schemas = Object.entries(document.components.schemas).map(
    ([id, schema]) => `<details id="schema-${html(id)}"><summary>${html(id)}</summary>${jsonOf(schema)}</details>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(document.info.title)} API</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/api/page.css">
</head>
<body>
<header>
<h1>${html(document.info.title)} API <small>${html(document.info.version)}</small></h1>
<p>${html(document.info.description)}</p>
<p>Programs send <code>Authorization: Bearer drv_…</code>. The same as a document for tools: <a href="/api/v1/openapi.json">openapi.json</a></p>
<nav>${[...document.tags.map(({ name }) => name), 'schemas'].map((name) => `<a href="#${html(name)}">${html(name)}</a>`).join(' ')}</nav>
</header>
<main>
${sections.join('\n')}
<section id="schemas"><h2>schemas</h2>${schemas.join('')}</section>
</main>
</body>
</html>
`;
}

function operationOf({
  path,
  method,
  operation,
}: {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}): string {
  const body = Object.entries(operation.requestBody?.content ?? {});
  return `<details>
<summary><b class="${method}">${method.toUpperCase()}</b> <code>${html(path)}</code> <span>${html(operation.summary)}</span></summary>
${operation.description === undefined ? '' : `<p>${html(operation.description)}</p>`}
<p>Right: <code>${html(operation['x-drover-right'])}</code></p>
${parametersOf(operation)}
${body.map(([type, { schema, example }]) => `<h3>Body <small>${html(type)}</small></h3>${schema ? jsonOf(schema) : ''}${exampleOf(example)}`).join('')}
<h3>Answers</h3>
<ul>${Object.entries(operation.responses)
    .map(([status, { description, content }]) => {
      const [schema] = Object.values(content ?? {}).map((entry) => entry.schema);
      return `<li><code>${html(status)}</code> ${html(description)} ${schema ? linkOf(schema) : ''}</li>`;
    })
    .join('')}</ul>
</details>`;
}

function parametersOf({ parameters }: Operation): string {
  if (parameters.length === 0) return '';
  const items = parameters.map(({ name, in: where, required, description, schema }) => {
    const mark = required ? ' (needed)' : '';
    return `<li><code>${html(name)}</code> <small>${where}${mark}</small> ${html(description ?? '')} <code class="schema">${html(JSON.stringify(schema))}</code></li>`;
  });
  return `<h3>Parameters</h3><ul>${items.join('')}</ul>`;
}

const REFERENCE = '#/components/schemas/';

function linkOf(schema: JsonSchema): string {
  const id = String(schema.$ref ?? '').replace(REFERENCE, '');
  return id === '' ? '' : `<a href="#schema-${html(id)}">${html(id)}</a>`;
}

/** JSON with its references as links. */
function jsonOf(schema: JsonSchema): string {
  if (Object.keys(schema).length === 1 && typeof schema.$ref === 'string') return `<p>${linkOf(schema)}</p>`;
  const text = html(JSON.stringify(schema, null, 2));
  return `<pre>${text.replace(/&quot;#\/components\/schemas\/(\w+)&quot;/g, '<a href="#schema-$1">$1</a>')}</pre>`;
}

const exampleOf = (example: unknown): string =>
  example === undefined ? '' : `<h3>Example</h3><pre>${html(JSON.stringify(example, null, 2))}</pre>`;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const html = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);

export const API_PAGE_STYLE = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
nav a { min-height: 44px; min-width: 44px; display: inline-flex; align-items: center; }
/* Large enough for a thumb, without moving the words around them. */
p a, li a, pre a { padding: .9rem .75rem; margin-inline: -.75rem; }
details { border: 1px solid #8886; border-radius: .5rem; margin: .5rem 0; padding: 0 .75rem; }
summary { min-height: 44px; padding: .5rem 0; cursor: pointer; overflow-wrap: anywhere; }
summary b { display: inline-block; min-width: 4rem; font-family: ui-monospace, monospace; }
.get { color: light-dark(#0b62a8, #7cc0ff); } .post { color: light-dark(#0a6b3d, #69d69b); }
.patch { color: light-dark(#8a5300, #f0b860); } .delete { color: light-dark(#b3261e, #ff9d93); }
pre { overflow-x: auto; background: #8881; border-radius: .375rem; padding: .5rem; font-size: .8125rem; }
.schema { display: block; overflow-wrap: anywhere; font-size: .8125rem; color: light-dark(#475569, #9fb0c6); }
li { margin: .25rem 0; }
h3 { font-size: 1rem; }
`;
