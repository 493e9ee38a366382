import type { Clock } from '@drover/shared/lib/clock';
import { Problem } from '@drover/shared/lib/problem';
import { createThrottle, type Throttle } from '../identity/throttle.ts';

const MINUTE_MS = 60_000;
/** Ten wrong ones cost a minute, each further one twice as long as the last, up to an hour. */
const OF_ADDRESS = { free: 10, firstMs: MINUTE_MS, maxMs: 60 * MINUTE_MS, forgetMs: 120 * MINUTE_MS, keysMax: 10_000 };
/** A quarter of an hour at most: whoever tries somebody's password must not be able to keep them out. */
const OF_ACCOUNT = { free: 5, firstMs: 1_000, maxMs: 15 * MINUTE_MS, forgetMs: 120 * MINUTE_MS, keysMax: 10_000 };

/** Nobody begins to sign in thirty times without a minute's rest. */
const OF_BEGINNINGS = { free: 30, firstMs: 1_000, maxMs: MINUTE_MS, forgetMs: MINUTE_MS, keysMax: 10_000 };

/** Whose secret is tried. At an address that they have signed in from before, attempts from elsewhere do not slow them down. */
export interface Account {
  readonly name: string;
  readonly isKnownAddress: boolean;
}

/** Slows down whoever tries secrets: from one address, and of one account from anywhere. */
export interface Attempts {
  /** Runs `attempt`; one that throws not-signed-in or not-allowed counts as a failure. */
  try<T>(address: string | null, attempt: () => Promise<T>, account?: Account): Promise<T>;
  /** For what anybody may begin, and costs us something each time. Throws Problem too-many-requests. */
  begin(address: string | null): void;
}

export function createAttempts(clock: Clock): Attempts {
  const addresses = createThrottle(clock, OF_ADDRESS);
  const accounts = createThrottle(clock, OF_ACCOUNT);
  const beginnings = createThrottle(clock, OF_BEGINNINGS);

  return {
    begin(address) {
      const key = networkOf(address);
      refuseEarly(beginnings, key, 'too many sign-ins were begun from this address');
      beginnings.begin(key);
    },
    async try(address, attempt, account) {
      const addressKey = networkOf(address);
      const accountKey = account && `${account.name.toLowerCase()} ${account.isKnownAddress ? addressKey : 'from elsewhere'}`;
      refuseEarly(addresses, addressKey, 'too many wrong attempts from this address');
      if (accountKey !== undefined) refuseEarly(accounts, accountKey, 'too many wrong attempts for this account');
      const forgive = [addresses.begin(addressKey), ...(accountKey === undefined ? [] : [accounts.begin(accountKey)])];
      try {
        const result = await attempt();
        for (const undo of forgive) undo();
        if (accountKey !== undefined) accounts.succeeded(accountKey);
        return result;
      } catch (thrown) {
        const isWrong = thrown instanceof Problem && (thrown.code === 'not-signed-in' || thrown.code === 'not-allowed');
        if (!isWrong) for (const undo of forgive) undo();
        throw thrown;
      }
    },
  };
}

function refuseEarly(throttle: Throttle, key: string, words: string): void {
  const waitMs = throttle.waitMs(key);
  if (waitMs === 0) return;
  const seconds = Math.ceil(waitMs / 1_000);
  throw new Problem('too-many-requests', `${words}; try again in ${seconds} s`, { retryable: true, retryAfterS: seconds });
}

/** Who has one address of IPv6 has the whole of its /64. */
function networkOf(address: string | null): string {
  if (address === null) return 'unknown';
  const bare = address.replace(/^::ffff:/i, '').replace(/%.*$/, '');
  if (!bare.includes(':')) return bare;
  const [head = '', tail] = bare.split('::', 2);
  const front = head === '' ? [] : head.split(':');
  const missing = tail === undefined ? 0 : 8 - front.length - (tail === '' ? 0 : tail.split(':').length);
  const groups = [...front, ...Array<string>(Math.max(missing, 0)).fill('0'), ...(tail ? tail.split(':') : [])];
  return groups.slice(0, 4).join(':');
}
