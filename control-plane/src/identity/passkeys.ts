import { Problem } from '@drover/shared/lib/problem';
import {
  generateAuthenticationOptions,
  generateRegistrationOptions,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { z } from 'zod';

/** Where passkeys are good: WebAuthn's relying party. */
export interface Site {
  /** The host name. */
  readonly id: string;
  readonly origin: string;
}

const Base64url = z
  .string()
  .regex(/^[A-Za-z0-9_-]+$/)
  .max(65_536);
const shared = {
  id: Base64url,
  rawId: Base64url,
  type: z.literal('public-key'),
  authenticatorAttachment: z.enum(['platform', 'cross-platform']).optional().catch(undefined),
  clientExtensionResults: z.record(z.string(), z.unknown()).default({}),
};
const Attestation = z.object({
  ...shared,
  response: z.object({
    clientDataJSON: Base64url,
    attestationObject: Base64url,
    transports: z.array(z.string().max(40)).max(10).optional(),
  }),
});
const Assertion = z.object({
  ...shared,
  response: z.object({ clientDataJSON: Base64url, authenticatorData: Base64url, signature: Base64url, userHandle: z.string().optional() }),
});
const ClientData = z.object({ type: z.string(), challenge: z.string(), origin: z.string() });

/** Throws Problem where browsers would refuse too: passkeys are tied to a host name, and to TLS. */
export function siteOf(url: string): Site {
  const { hostname, origin, protocol } = new URL(url);
  if (/^[\d.]+$|^\[/.test(hostname)) {
    throw new Problem('unsupported', `passkeys belong to a host name, and this page was opened as ${hostname}`, {
      suggestion: 'open it by its name',
    });
  }
  if (protocol !== 'https:' && hostname !== 'localhost' && !hostname.endsWith('.localhost')) {
    throw new Problem('unsupported', 'passkeys need https', { suggestion: 'put a proxy with TLS before the control plane' });
  }
  return { id: hostname, origin };
}

export async function newPasskeyOptions(
  site: Site,
  user: { readonly id: string; readonly name: string },
  known: readonly { readonly id: string }[],
): Promise<{ readonly challenge: string; readonly options: Record<string, unknown> }> {
  const options = await generateRegistrationOptions({
    rpName: 'Drover',
    rpID: site.id,
    userName: user.name,
    userID: new TextEncoder().encode(user.id),
    attestationType: 'none',
    excludeCredentials: known.map(({ id }) => ({ id })),
    authenticatorSelection: { residentKey: 'required', userVerification: 'preferred' },
  });
  return { challenge: options.challenge, options: { ...options } };
}

/** `allowed` undefined: whichever passkey of this site the person has, and then it is the only factor. */
export async function passkeyOptions(
  site: Site,
  allowed?: readonly { readonly id: string }[],
): Promise<{ readonly challenge: string; readonly options: Record<string, unknown> }> {
  const options = await generateAuthenticationOptions({
    rpID: site.id,
    userVerification: allowed === undefined ? 'required' : 'preferred',
    ...(allowed === undefined ? {} : { allowCredentials: allowed.map(({ id }) => ({ id })) }),
  });
  return { challenge: options.challenge, options: { ...options } };
}

export interface MadePasskey {
  readonly id: string;
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly backedUp: boolean;
}

export async function verifyNewPasskey(site: Site, challenge: string, answer: unknown): Promise<MadePasskey> {
  const response = parse(Attestation, answer);
  checkClientData(site, response.response.clientDataJSON);
  const { verified, registrationInfo } = await refusing(() =>
    verifyRegistrationResponse({
      // Sound: parsed above; the library's type only wants its own names for the strings of `transports`.
      response: response as Parameters<typeof verifyRegistrationResponse>[0]['response'],
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.id,
      requireUserVerification: false,
    }),
  );
  if (!verified || !registrationInfo) throw wrong('its signature does not fit');
  const { credential, credentialBackedUp } = registrationInfo;
  return {
    id: credential.id,
    publicKey: base64url(credential.publicKey),
    counter: credential.counter,
    transports: response.response.transports ?? [],
    backedUp: credentialBackedUp,
  };
}

/** Which passkey an answer claims to be of. */
export const passkeyIdOf = (answer: unknown): string => parse(Assertion, answer).id;

export async function verifyPasskey(
  site: Site,
  { challenge, answer, isOnlyFactor }: { readonly challenge: string; readonly answer: unknown; readonly isOnlyFactor: boolean },
  known: { readonly id: string; readonly publicKey: string; readonly counter: number; readonly site: string },
): Promise<{ readonly counter: number; readonly backedUp: boolean }> {
  const response = parse(Assertion, answer);
  checkClientData(site, response.response.clientDataJSON);
  if (known.site !== site.id) throw wrong(`it was made for ${known.site}, and this is ${site.id}`);
  const { verified, authenticationInfo } = await refusing(() =>
    verifyAuthenticationResponse({
      // Sound: parsed above, without what the library does not read.
      response: response as Parameters<typeof verifyAuthenticationResponse>[0]['response'],
      expectedChallenge: challenge,
      expectedOrigin: site.origin,
      expectedRPID: site.id,
      requireUserVerification: isOnlyFactor,
      credential: { id: known.id, publicKey: bytesOf(known.publicKey), counter: known.counter },
    }),
  );
  if (!verified) throw wrong('its signature does not fit');
  return { counter: authenticationInfo.newCounter, backedUp: authenticationInfo.credentialBackedUp };
}

function parse<S extends z.ZodType>(schema: S, answer: unknown): z.output<S> {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw new Problem('bad-request', 'this is not what a passkey answers', { field: 'passkey' });
}

/** The library would refuse it too, in words for those who write programs. */
function checkClientData(site: Site, clientDataJSON: string): void {
  let read: unknown = null;
  try {
    read = JSON.parse(new TextDecoder().decode(bytesOf(clientDataJSON)));
  } catch {
    // Not JSON: the parse below says so.
  }
  const { origin } = parse(ClientData, read);
  if (origin !== site.origin) throw wrong(`it answered to the page ${origin.slice(0, 200)}, and this is ${site.origin}`);
}

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/counter value/i, 'its counter went backwards: there may be a copy of it'],
  [/RP ID/i, 'it was made for another site'],
  [/challenge/i, 'it answered to another question: ask for a new one'],
  [/User verification/i, 'it did not check who you are: unlock it with a finger or a PIN'],
  [/User (not|was not|presence)/i, 'nobody touched it'],
];

async function refusing<T>(verify: () => Promise<T>): Promise<T> {
  try {
    return await verify();
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : '';
    throw wrong(REASONS.find(([pattern]) => pattern.test(message))?.[1] ?? 'it cannot be verified', thrown);
  }
}

const wrong = (reason: string, cause?: unknown): Problem =>
  new Problem('not-signed-in', `this passkey is not good here: ${reason}`, { field: 'passkey', cause });

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
}
