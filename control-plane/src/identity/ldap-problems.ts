import { Problem } from '@drover/shared/lib/problem';

/** At which point of a conversation with a directory something went wrong. */
export type LdapStage = 'reach' | 'tls' | 'bind' | 'search' | 'groups';

interface Situation {
  readonly server: string;
  readonly mode: 'ldap' | 'starttls' | 'ldaps';
  readonly bindDn: string | null;
  readonly baseDn: string;
}

type Words = readonly [detail: string, suggestion: string];

/** What an error of the network, of TLS or of the server means for whoever set the directory up. */
export function ldapProblem(thrown: unknown, stage: LdapStage, situation: Situation): Problem {
  if (thrown instanceof Problem) return thrown;
  const { code, name, message } = factsOf(thrown);
  const words = BY_CODE[code]?.(situation) ?? BY_NAME[name]?.(situation, stage) ?? byMessage(message, situation);
  const [detail, suggestion] = words ?? [`the directory ${situation.server} answered: ${message.slice(0, 200)}`, 'look into its log'];
  return new Problem('unsupported', detail, { suggestion, cause: thrown });
}

function factsOf(thrown: unknown): { readonly code: string; readonly name: string; readonly message: string } {
  if (!(thrown instanceof Error)) return { code: '', name: '', message: String(thrown) };
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  // The library's own name for a result code of the server.
  return { code, name: thrown.name === 'Error' ? thrown.constructor.name : thrown.name, message: thrown.message };
}

const hostOf = (server: string): string => server.replace(/:\d+$/, '');
const unresolved = ({ server }: Situation): Words => [
  `the name ${hostOf(server)} is not known to the name server`,
  'check how it is written, and the name server of the control plane',
];
const unknownCa = ({ server }: Situation): Words => [
  `the certificate of ${server} is signed by somebody whom we do not know`,
  'give the certificate of the authority that signed it as `ca`',
];
const expired = ({ server }: Situation): Words => [
  `the certificate of ${server} has expired`,
  'renew it on the server; if it has been, look at the clock of the control plane',
];
const silent = ({ server }: Situation): Words => [`${server} does not answer`, 'check the port, and firewalls between here and there'];

const BY_CODE: Readonly<Record<string, (situation: Situation) => Words>> = {
  ENOTFOUND: unresolved,
  EAI_AGAIN: unresolved,
  ECONNREFUSED: ({ server }) => [`nothing listens at ${server}: the connection was refused`, 'check the port, and whether the server runs'],
  ETIMEDOUT: silent,
  EHOSTUNREACH: silent,
  ENETUNREACH: silent,
  CERT_HAS_EXPIRED: expired,
  CERT_NOT_YET_VALID: ({ server }) => [`the certificate of ${server} is not valid yet`, 'look at the clock of the control plane'],
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownCa,
  SELF_SIGNED_CERT_IN_CHAIN: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownCa,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownCa,
  CERT_SIGNATURE_FAILURE: unknownCa,
  ERR_TLS_CERT_ALTNAME_INVALID: ({ server }) => [
    `the certificate of ${hostOf(server)} is for another name`,
    'use the name that stands in the certificate, or have it made for this one',
  ],
};

const plainText = ({ server }: Situation): Words => [`${server} wants an encrypted connection`, 'set the mode to starttls or ldaps'];
const BY_NAME: Readonly<Record<string, (situation: Situation, stage: LdapStage) => Words>> = {
  InvalidCredentialsError: ({ bindDn }) => [
    `the bind password is wrong, or there is no ${bindDn ?? 'such name'}`,
    'set the password of the bind DN anew',
  ],
  NoSuchObjectError: ({ baseDn }, stage) => [
    stage === 'groups' ? 'the base DN of groups was not found' : `the base DN ${baseDn} was not found`,
    'check how it is written; without the right to see it, it looks as if it were not there',
  ],
  InvalidDNSyntaxError: (_situation, stage) => [`a DN is not written as one (${stage})`, 'write it as in ou=people,dc=example,dc=org'],
  InappropriateAuthError: () => ['the server lets nobody search without a password', 'set a bind DN and its password'],
  InsufficientAccessError: ({ bindDn }) => [
    `${bindDn ?? 'nobody in particular'} may not search there`,
    'give the bind DN the right to read',
  ],
  ConfidentialityRequiredError: plainText,
  StrongAuthRequiredError: plainText,
  TLSNotSupportedError: ({ server }) => [`${server} does not do StartTLS`, 'set the mode to ldaps'],
  ProtocolError: ({ server }) => [`${server} does not do what was asked (StartTLS, it may be)`, 'set the mode to ldaps'],
};

function byMessage(message: string, situation: Situation): Words | null {
  if (/time(d )?out/i.test(message)) return silent(situation);
  if (/wrong version number|packet length too long|unknown protocol|record layer/i.test(message)) {
    return [`${situation.server} does not speak TLS from the start`, 'set the mode to starttls, or use the port of ldaps, 636'];
  }
  if (/ECONNRESET|socket (hang up|closed)|closed|disconnected before/i.test(message)) {
    return [
      `${situation.server} hung up`,
      situation.mode === 'ldaps'
        ? 'is this the port of ldaps, 636? set the mode to starttls for 389'
        : 'is this the port of ldap, 389? set the mode to ldaps for 636',
    ];
  }
  return null;
}
