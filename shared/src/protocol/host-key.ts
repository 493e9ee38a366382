import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import { digest } from '../lib/digest.ts';
import { HostId } from '../model/id.ts';
import type { PublicKey } from './agent-api.ts';

const hashOf = (key: PublicKey): string => bytesToHex(sha256(utf8ToBytes(key.x)));

/** A host is its key: the same key is the same host, whatever it is called and wherever it stands. */
export const hostIdOfKey = (key: PublicKey): HostId => HostId.parse(`host_${hashOf(key).slice(0, 20)}`);

/** For people to compare by eye: the SHA-256 of the key in sixteen groups of four. */
export const fingerprintOfKey = (key: PublicKey): string => (hashOf(key).match(/.{4}/g) ?? []).join(' ');

/** Names a signing key of the control plane: the `kid` in the header of what it signs. */
export const keyIdOf = ({ kty, crv, x }: PublicKey): string => digest({ kty, crv, x }).slice(0, 16);
