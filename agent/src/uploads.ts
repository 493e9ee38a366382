import type { Clock } from '@drover/shared/lib/clock';
import { UPLOAD_PATH } from '@drover/shared/protocol/agent-api';
import { incomingOf } from './drivers/image/http.ts';
import type { ControlPlaneUploads } from './drivers/image/maker.ts';
import type { Identity } from './identity.ts';

/** Fetches the bytes of uploaded images from the control plane, as this host. */
export function createUploads(identity: Identity, controlPlaneUrl: string, clock: Clock): ControlPlaneUploads {
  return {
    async downloadUpload(uploadId, fromByte, signal) {
      const proof = await identity.sign({ sub: identity.hostId, aud: 'drover-upload' }, clock.now());
      const url = `${controlPlaneUrl}${UPLOAD_PATH}${encodeURIComponent(uploadId)}`;
      const range: Record<string, string> = fromByte > 0 ? { range: `bytes=${fromByte}-` } : {};
      return incomingOf(url, await fetch(url, { headers: { authorization: `Bearer ${proof}`, ...range }, signal }));
    },
  };
}
