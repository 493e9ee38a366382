/** All that a page shows is a file of ours: nothing written into it is run, and nothing it knows is sent elsewhere. */
const PAGE_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};

/**
 * What every answer is made with. Its headers are given at once: one that is set on a finished Response costs more than all else that a
 * quick request does, since Node's server must then make it a whole one.
 */
export function reply(
  body: BodyInit | null,
  init: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  return new Response(body, { status: init.status ?? 200, headers: { ...PAGE_HEADERS, ...init.headers } });
}
