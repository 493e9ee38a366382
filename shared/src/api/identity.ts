import { z } from 'zod';
import { Name, TokenId, UserId } from '../model/id.ts';
import { SessionView } from './views.ts';

/** How a session was begun. */
export const SignInWay = z.enum(['link', 'password', 'passkey', 'oidc', 'ldap']);
export type SignInWay = z.infer<typeof SignInWay>;

/** What a second factor may be. */
export const SecondFactor = z.enum(['totp', 'passkey', 'recovery']);
export type SecondFactor = z.infer<typeof SecondFactor>;

const Password = z.string().min(1).max(4_096);
const Ticket = z.string().min(16).max(200);
/** What a browser's WebAuthn gives, as JSON; the library that verifies it reads it. */
const FromAuthenticator = z.record(z.string(), z.unknown());

/** POST /session: the part of a sign-in link after `#`, a name with its password, or the answer of a passkey. */
export const SignIn = z.union([
  z.strictObject({ token: z.string().min(16).max(200) }),
  z.strictObject({
    name: z.string().min(1).max(200),
    password: Password,
    /** The directory that knows this person; left out: Drover itself, else whichever does. */
    directory: Name.optional(),
  }),
  z.strictObject({ ticket: Ticket, passkey: FromAuthenticator }),
]);
export type SignIn = z.infer<typeof SignIn>;

/** A first factor was right, and a second one is needed: POST it to /session/second-factor with the ticket, within five minutes. */
export const SecondFactorNeeded = z.object({
  needs: z.array(SecondFactor),
  ticket: z.string(),
  expiresAtMs: z.number().int(),
  /** For navigator.credentials.get; null: this user has no passkey. */
  passkey: z.record(z.string(), z.unknown()).nullable(),
});
export type SecondFactorNeeded = z.infer<typeof SecondFactorNeeded>;

export const SignedIn = z.union([SessionView, SecondFactorNeeded]);
export type SignedIn = z.infer<typeof SignedIn>;

export const GiveSecondFactor = z.union([
  z.strictObject({ ticket: Ticket, totp: z.string().min(1).max(20) }),
  z.strictObject({ ticket: Ticket, recovery: z.string().min(1).max(40) }),
  z.strictObject({ ticket: Ticket, passkey: FromAuthenticator }),
]);
export type GiveSecondFactor = z.infer<typeof GiveSecondFactor>;

/** POST /session/passkey: what to hand to navigator.credentials.get, and the ticket to send its answer with. */
export const PasskeyChallenge = z.object({ ticket: z.string(), options: z.record(z.string(), z.unknown()), expiresAtMs: z.number().int() });
export type PasskeyChallenge = z.infer<typeof PasskeyChallenge>;

export const SetPassword = z.strictObject({
  /** Not needed within a quarter of an hour of signing in with a link. */
  old: Password.optional(),
  password: Password,
});
export type SetPassword = z.infer<typeof SetPassword>;

export const PasswordSetView = z.object({ setAtMs: z.number().int() });

export const ConfirmTotp = z.strictObject({ code: z.string().min(1).max(20) });
export type ConfirmTotp = z.infer<typeof ConfirmTotp>;

/** Shown once: the seed as text, and as what a QR code holds. */
export const NewTotpView = z.object({ seed: z.string(), uri: z.string() });
export type NewTotpView = z.infer<typeof NewTotpView>;

/** Shown once. */
export const RecoveryCodesView = z.object({ codes: z.array(z.string()) });
export type RecoveryCodesView = z.infer<typeof RecoveryCodesView>;

export const PasskeyView = z.object({
  id: z.string(),
  name: z.string(),
  /** The host name that it was made for. */
  site: z.string(),
  /** Its maker keeps copies of it on other devices. */
  backedUp: z.boolean(),
  createdAtMs: z.number().int(),
  lastUsedAtMs: z.number().int().nullable(),
});
export type PasskeyView = z.infer<typeof PasskeyView>;

const PasskeyName = z.string().trim().min(1).max(60);
export const AddPasskey = z.strictObject({ ticket: Ticket, name: PasskeyName, passkey: FromAuthenticator });
export type AddPasskey = z.infer<typeof AddPasskey>;
export const RenamePasskey = z.strictObject({ name: PasskeyName });
export type RenamePasskey = z.infer<typeof RenamePasskey>;

/** GET /account: how the caller may sign in. */
export const AccountView = z.object({
  user: z.object({ id: UserId, name: z.string() }),
  password: z.object({ setAtMs: z.number().int() }).nullable(),
  totp: z.object({ confirmedAtMs: z.number().int(), locked: z.boolean() }).nullable(),
  recoveryCodesLeft: z.number().int(),
  passkeys: z.array(PasskeyView),
  directories: z.array(z.string()),
  /** What the fleet asks of this user. */
  secondFactorRequired: z.boolean(),
  /** This session is good for nothing but setting one up. */
  setupOnly: z.boolean(),
});
export type AccountView = z.infer<typeof AccountView>;

export const SignInSessionView = z.object({
  id: TokenId,
  user: z.object({ id: UserId, name: z.string() }),
  way: SignInWay.nullable(),
  /** "Firefox on Linux". */
  device: z.string().nullable(),
  address: z.string().nullable(),
  createdAtMs: z.number().int(),
  lastUsedAtMs: z.number().int().nullable(),
  /** The latest that it ends. */
  expiresAtMs: z.number().int().nullable(),
  /** The one that asks. */
  current: z.boolean(),
});
export type SignInSessionView = z.infer<typeof SignInSessionView>;
export const SignInSessionsView = z.object({ items: z.array(SignInSessionView) });
export const EndedSessionsView = z.object({ ended: z.number().int() });

export const DisableUser = z.strictObject({ because: z.string().max(200).default('') });

const HOUR_MS = 3_600_000;
/** What the fleet asks of everybody who signs in. */
export const SignInPolicy = z.strictObject({
  secondFactor: z.enum(['nobody', 'owners', 'everybody']).default('nobody'),
  /** A session ends so long after it began, whatever happens. */
  sessionMs: z
    .number()
    .int()
    .min(HOUR_MS)
    .max(90 * 24 * HOUR_MS)
    .default(30 * 24 * HOUR_MS),
  /** And when nobody used it for so long. */
  idleMs: z
    .number()
    .int()
    .min(HOUR_MS / 12)
    .max(90 * 24 * HOUR_MS)
    .default(12 * HOUR_MS),
});
export type SignInPolicy = z.infer<typeof SignInPolicy>;
export const EditSignInPolicy = z.strictObject({
  secondFactor: SignInPolicy.shape.secondFactor.unwrap().optional(),
  sessionMs: SignInPolicy.shape.sessionMs.unwrap().optional(),
  idleMs: SignInPolicy.shape.idleMs.unwrap().optional(),
});
export type EditSignInPolicy = z.infer<typeof EditSignInPolicy>;
