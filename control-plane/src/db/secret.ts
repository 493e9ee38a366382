import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

/** Secrets here are long and random, so a plain hash is enough: what lies in the database signs nobody in. */
export const hashOfSecret = (secret: string): string => bytesToHex(sha256(utf8ToBytes(secret)));

/** So much of an enrolment token's hash is its name in lists: the token itself is shown once. */
export const ENROLMENT_ID_LENGTH = 16;
export const enrolmentId = (tokenHash: string): string => tokenHash.slice(0, ENROLMENT_ID_LENGTH);
