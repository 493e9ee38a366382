/** What is kept as an address is shown as one, in lists and logs: a name and a password have no place in it. */
export function namesNobody(address: string): boolean {
  if (!URL.canParse(address)) return true;
  const { username, password } = new URL(address);
  return username === '' && password === '';
}
export const NAMES_SOMEBODY = 'an address without a user name or password in it';
