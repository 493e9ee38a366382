import { Problem } from '@drover/shared/lib/problem';
import { COMMON_WORDS } from './guessed-words.ts';

export const PASSWORD_CHARACTERS_MIN = 12;
/** So that nobody has us hash a book. */
export const PASSWORD_CHARACTERS_MAX = 1_024;

/** Throws Problem. Length and guessability alone: rules on which characters to mix make passwords worse (ASVS 5.0, 6.2). */
export function checkPassword(password: string, userName: string): void {
  const length = [...password].length;
  if (length < PASSWORD_CHARACTERS_MIN)
    throw refused(`a password has at least ${PASSWORD_CHARACTERS_MIN} characters, this one has ${length}`);
  if (length > PASSWORD_CHARACTERS_MAX) throw refused(`a password has at most ${PASSWORD_CHARACTERS_MAX} characters`);
  const reason = guessable(password, userName);
  if (reason !== null) throw refused(reason);
}

function guessable(password: string, userName: string): string | null {
  const plain = plainLetters(password);
  if (new Set(plain).size <= 3) return 'this password is the same few characters again and again';
  if (isRun(plain)) return 'this password is a row of keys or numbers';
  const without = leaveOut(plain, plainLetters(userName));
  if (without !== plain && without.replace(/[^a-z]/g, '').length < 6) return 'this password is little more than the name of its user';
  if (isOnlyCommonWords(without.replace(/[^a-z]/g, ''))) return 'this password is among the first that anybody would try';
  return null;
}

/** Small letters, with the digits and signs that people put for letters turned back. */
function plainLetters(password: string): string {
  const signs: Readonly<Record<string, string>> = {
    '@': 'a',
    '4': 'a',
    '3': 'e',
    '0': 'o',
    '$': 's',
    '5': 's',
    '1': 'i',
    '!': 'i',
    '7': 't',
  };
  const small = password.toLowerCase();
  // A number that is one stays one; a digit between letters stands for a letter.
  return small.replace(/(?<=[a-z@$])[@430$517!](?=[a-z@$])/g, (sign) => signs[sign] ?? sign).replace(/^@(?=[a-z])/, 'a');
}

const leaveOut = (text: string, part: string): string => (part.length < 3 ? text : text.replaceAll(part, ''));

const ROWS = [
  'abcdefghijklmnopqrstuvwxyz',
  '01234567890123456789',
  '1234567890qwertyuiopasdfghjklzxcvbnm',
  'qwertzuiopasdfghjklyxcvbnm',
  'azertyuiopqsdfghjklmwxcvbn',
];

function isRun(text: string): boolean {
  const both = ROWS.flatMap((row) => [row, [...row].reverse().join('')]);
  let rest = text;
  // Up to four pieces of a row: "qwertyuiop12", "abcdefabcdef".
  for (let pieces = 0; pieces < 4 && rest !== ''; pieces += 1) {
    const length = Math.max(...both.map((row) => longestPrefixIn(row, rest)));
    if (length === 0 || (length === 1 && rest.length > 1)) return false;
    rest = rest.slice(length);
  }
  return rest === '';
}

function longestPrefixIn(row: string, text: string): number {
  let length = 0;
  while (length < text.length && row.includes(text.slice(0, length + 1))) length += 1;
  return length;
}

/** Is there a way to read all of it as words of the list? */
function isOnlyCommonWords(letters: string): boolean {
  const reachable = new Set([0]);
  for (let end = 1; end <= letters.length; end += 1) {
    for (const start of reachable) {
      if (COMMON_WORDS.has(letters.slice(start, end))) {
        reachable.add(end);
        break;
      }
    }
  }
  // No letter at all: a row of numbers is judged above, another number is long enough to be one's own.
  return letters !== '' && reachable.has(letters.length);
}

const refused = (detail: string): Problem =>
  new Problem('bad-request', detail, {
    field: 'password',
    suggestion: 'take four or five words that do not belong together, or let your browser make one',
  });
