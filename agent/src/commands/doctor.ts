import type { Finding } from '../doctor/finding.ts';
import { lookAtHost } from '../doctor/look.ts';
import { clean } from './print.ts';
import { CONFIG_PATH, type Command, parseWords, readConfig, say } from './words.ts';

/** Looks for what is wrong with this host, also when its agent does not run. Ends the process with 1 when something is. */
export const doctorCommand: Command = async (words) => {
  const { values } = parseWords(words, { config: { type: 'string' }, json: { type: 'boolean' } });
  const config = readConfig(values.config ?? CONFIG_PATH);
  const findings: Finding[] = [];
  for await (const finding of lookAtHost(config)) {
    findings.push(finding);
    if (!values.json) say(findingInWords(finding));
  }
  if (values.json) say(JSON.stringify(findings, null, 2));
  if (findings.some(({ verdict }) => verdict === 'no')) process.exitCode = 1;
};

const MARKS = { ok: 'ok  ', note: 'note', no: 'NO  ' } as const;

function findingInWords({ verdict, text, fix }: Finding): string {
  return `  ${MARKS[verdict]}  ${clean(text)}${fix === undefined ? '' : `\n        ${clean(fix)}`}`;
}
