import { Problem } from '@drover/shared/lib/problem';
import {
  ConnectRequest,
  Credentials,
  EnrolCheckReply,
  EnrolCheckRequest,
  EnrolReply,
  EnrolRequest,
  HostKeyReply,
  HostKeyRequest,
  UPLOAD_PATH,
} from '@drover/shared/protocol/agent-api';
import { z } from 'zod';
import { changeHostKey, connect, enrol, enrolCheck, hostOfRequest } from '../../loop/enrol.ts';
import type { Attempts } from '../attempts.ts';
import type { AppDeps } from '../deps.ts';
import { socketOriginOf } from '../origin.ts';
import { rangeOf } from '../range.ts';
import { reply } from '../reply.ts';
import { type Route, rawRoute, route } from '../route.ts';

/** What agents call. Public as far as users go: each carries a one-time token or a signature by the host's own key. */
export function agentRoutes(deps: AppDeps, attempts: Attempts): Route[] {
  const { store, uploads } = deps;
  return [
    route({
      method: 'POST',
      path: '/agent/v1/enrol',
      right: 'public',
      tag: 'agent',
      summary: 'Join a host, with a one-time token',
      body: EnrolRequest,
      response: EnrolReply,
      handler: async ({ body, address }) => ({ body: await attempts.try(address, () => enrol(deps, body)) }),
    }),
    route({
      method: 'POST',
      path: '/agent/v1/enrol/check',
      right: 'public',
      tag: 'agent',
      summary: 'Whether a one-time token would let a host in; it is not used up',
      body: EnrolCheckRequest,
      response: EnrolCheckReply,
      handler: async ({ body, address }) => ({ body: await attempts.try(address, () => enrolCheck(deps, body)) }),
    }),
    route({
      method: 'POST',
      path: '/agent/v1/connect',
      right: 'public',
      tag: 'agent',
      summary: 'Short-lived credentials for the broker, for a request that the host signed',
      body: ConnectRequest,
      response: Credentials,
      handler: async ({ body, request }) => ({ body: await connect(deps, body, socketOriginOf(request)) }),
    }),
    route({
      method: 'POST',
      path: '/agent/v1/key',
      right: 'public',
      tag: 'agent',
      summary: 'Another key for a host, on the word of the one that it has',
      body: HostKeyRequest,
      response: HostKeyReply,
      handler: async ({ body }) => ({ body: await changeHostKey(deps, body) }),
    }),
    rawRoute({
      method: 'GET',
      path: `${UPLOAD_PATH}{upload}`,
      right: 'public',
      tag: 'agent',
      summary: 'The bytes of an uploaded image, for the host that it is meant for; honours Range',
      params: z.object({ upload: z.string().regex(/^[a-z0-9]{20}$/) }),
      answers: { status: 200, contentType: 'application/octet-stream', description: 'All bytes, or with Range a part (206)' },
      async handler({ request, params }) {
        const jws = /^Bearer +(\S{1,4096})$/i.exec(request.headers.get('authorization') ?? '')?.[1];
        if (jws === undefined) throw new Problem('not-signed-in', 'sign the request with the host’s key');
        const hostId = await hostOfRequest(deps, jws, 'drover-upload');
        const upload = await store.access.upload(params.upload);
        if (upload?.hostId !== hostId) throw new Problem('not-found', 'there is no such upload for this host');
        const range = rangeOf(request.headers.get('range'), upload.sizeBytes);
        if (range === 'unsatisfiable') return reply(null, { status: 416, headers: { 'content-range': `bytes */${upload.sizeBytes}` } });
        const opened = await uploads.open(params.upload, range ?? undefined);
        if (!opened) throw new Problem('not-found', 'there is no such upload for this host');
        const headers = {
          'content-type': 'application/octet-stream',
          'content-length': String(opened.end - opened.start + 1),
          'accept-ranges': 'bytes',
          'etag': `"${upload.sha256}"`,
          ...(range ? { 'content-range': `bytes ${range.start}-${range.end}/${upload.sizeBytes}` } : {}),
        };
        if (request.method !== 'HEAD') return reply(opened.body, { status: range ? 206 : 200, headers });
        await opened.body.cancel();
        return reply(null, { status: range ? 206 : 200, headers });
      },
    }),
  ];
}
