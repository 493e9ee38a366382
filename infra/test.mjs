/** `npm test`: every check and test that this machine allows, with a plain word about each that it does not. In CI, or with --no-skip, nothing may be left out. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureDependencies, nodeTooOld, ROOT } from './dependencies.mjs';
import { cannotInstall, ensurePackages, hostPackages, TEST_PACKAGES } from './packages.mjs';

const noSkip = process.argv.includes('--no-skip') || process.env.CI === 'true';
const only = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const results = join(ROOT, 'test-results');
const totals = { passed: 0, failed: 0 };
const skips = [];
let labPrepared = null;

const tooOld = nodeTooOld();
if (tooOld) {
  console.error(tooOld);
  process.exit(1);
}
ensureDependencies();
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

const wanted = { ...hostPackages(), ...TEST_PACKAGES };
const obstacle = cannotInstall();
const missing = obstacle ? [] : await ensurePackages(wanted, { purpose: 'Testing on real guests' });

/** Each part: what it is, and why it cannot run here (null: it can). One that is named runs only when it is asked for. */
const parts = [
  { name: 'format and lint', run: () => program('biome', ['node_modules/@biomejs/biome/bin/biome', 'check', '.']) },
  { name: 'types', run: () => program('tsc', ['node_modules/typescript/bin/tsc', '--noEmit']) },
  { name: 'build', run: () => program('build', ['infra/build.mjs']) },
  { name: 'tidy', run: () => vitest('tidy') },
  { name: 'unit', run: () => vitest('unit') },
  { name: 'conformance', run: () => vitest('conformance') },
  { name: 'simulation', blocked: () => noFiles('test/simulation', /\.test\.ts$/), run: () => vitest('simulation') },
  { name: 'chaos', blocked: noMosquitto, run: () => chaos() },
  { name: 'contract', blocked: () => noFiles('test/contract', /\.test\.ts$/) ?? noRealHost(), run: () => vitest('contract') },
  { name: 'identity', blocked: noSlapd, run: () => vitest('identity') },
  { name: 'system', blocked: () => noFiles('test/system', /\.test\.ts$/) ?? noRealHost(), run: () => vitest('system') },
  { name: 'lab', prepare: () => prepareLab(), blocked: noRealHost, run: () => lab() },
  // Debian 12: an image of its own, which takes minutes.
  {
    name: 'lab-bookworm',
    isNamed: true,
    blocked: () => noFiles('test/lab/bookworm', /\.test\.ts$/) ?? noRealHost(),
    run: () => vitest('lab-bookworm'),
  },
  { name: 'pages', blocked: () => noFiles('test/web', /\.(test|spec)\.ts$/) ?? noBrowser(), run: () => playwright() },
];

for (const unknown of only.filter((name) => !parts.some((part) => part.name === name))) {
  console.error(`There is no part "${unknown}"; there are: ${parts.map((part) => part.name).join(', ')}.`);
  process.exit(2);
}

const wantedParts = parts.filter(({ name, isNamed }) => (only.length > 0 ? only.includes(name) : !isNamed));
// What takes minutes and asks little of the machine is begun before its turn.
for (const part of wantedParts) if (!part.blocked?.()) part.prepare?.();
for (const part of wantedParts) {
  console.log(`\n=== ${part.name} ===`);
  const reason = part.blocked?.() ?? null;
  if (reason) skip(part.name, reason);
  else await part.run();
}

if (skips.length > 0)
  console.log(`\nLeft out${noSkip ? ', each of which counts as failed here' : ''}:\n${skips.map((line) => `  ${line}`).join('\n')}`);
if (noSkip) totals.failed += skips.length;
console.log(`\n${totals.passed} passed, ${totals.failed} failed`);
process.exit(totals.failed === 0 ? 0 : 1);

function skip(name, reason) {
  skips.push(`${name}: ${reason}`);
  console.log(`Left out: ${reason}.`);
}

function noRealHost() {
  if (obstacle) return `real guests cannot be tested here: ${obstacle}`;
  if (missing.length > 0) return `these Debian packages are missing: ${missing.join(', ')}`;
  return null;
}

function noMosquitto() {
  return ['/usr/sbin/mosquitto', '/usr/bin/mosquitto'].some((path) => existsSync(path))
    ? null
    : 'there is no Mosquitto (apt install mosquitto)';
}

function noSlapd() {
  return existsSync('/usr/sbin/slapd') ? null : 'there is no OpenLDAP (apt install slapd)';
}

function noBrowser() {
  const candidates = [process.env.CHROMIUM_PATH, '/usr/bin/chromium'].filter(Boolean);
  return candidates.some((path) => existsSync(path)) ? null : 'there is no Chromium (apt install chromium)';
}

function noFiles(folder, pattern) {
  const names = existsSync(join(ROOT, folder)) ? readdirSync(join(ROOT, folder), { recursive: true }) : [];
  return names.some((name) => pattern.test(name)) ? null : `there are no tests in ${folder}`;
}

/** One check that either holds or not. */
async function program(name, args) {
  const code = await node(args);
  if (code === 0) totals.passed += 1;
  else totals.failed += 1;
  console.log(code === 0 ? `${name}: passed` : `${name}: failed (exit code ${code})`);
}

async function vitest(project) {
  const report = join(results, `${project}.json`);
  const code = await node([
    'node_modules/vitest/vitest.mjs',
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  const json = readReport(report);
  if (!json) return crashed(project, code);
  const broken = json.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  totals.passed += json.numPassedTests;
  totals.failed += json.numFailedTests + broken;
  for (const file of json.testResults) {
    for (const test of file.assertionResults) {
      if (test.status !== 'passed' && test.status !== 'failed') skips.push(`${project}: ${test.fullName} (${test.status})`);
    }
  }
  // An unhandled error fails the run though every test passed.
  if (code !== 0 && json.numFailedTests + broken === 0) crashed(project, code);
}

/** The image of a host and its first boot, which are made once. */
function prepareLab() {
  labPrepared ??= node(['infra/run.mjs', 'test/lab/main.ts', 'prepare'], 'ignore');
  return labPrepared;
}

async function lab() {
  await prepareLab();
  await vitest('lab');
  await vitest('lab-hosts');
}

/** A cell of the matrix counts as a test. */
async function chaos() {
  const report = join(results, 'chaos.json');
  const code = await node(['infra/chaos.mjs', '--quick', '--verbose', '--json', report]);
  const json = readReport(report);
  if (!json) return crashed('chaos', code);
  totals.passed += json.passed;
  totals.failed += json.failed;
  if (code !== 0 && json.failed === 0) crashed('chaos', code);
}

async function playwright() {
  const report = join(results, 'pages.json');
  process.env.PLAYWRIGHT_JSON_OUTPUT_NAME = report;
  const config = ['playwright.config.ts', 'test/web/playwright.config.ts'].find((path) => existsSync(join(ROOT, path)));
  const code = await node([
    'node_modules/@playwright/test/cli.js',
    'test',
    ...(config ? ['--config', config] : ['test/web']),
    '--reporter=list,json',
  ]);
  const json = readReport(report);
  if (!json) return crashed('pages', code);
  const { expected, unexpected, flaky } = json.stats;
  totals.passed += expected;
  // What passes only now and then is not passed.
  totals.failed += unexpected + flaky + (json.errors?.length ?? 0);
  skips.push(...json.suites.flatMap(skippedIn));
  if (code !== 0 && unexpected + flaky + (json.errors?.length ?? 0) === 0) crashed('pages', code);
}

/** What Playwright did not run, with the reason that the test gives. */
function skippedIn({ suites = [], specs = [] }) {
  const here = specs.flatMap(({ title, tests }) =>
    tests
      .filter(({ status }) => status === 'skipped')
      .map(({ projectName, annotations }) => {
        const reason = annotations.find(({ type, description }) => type === 'skip' && description)?.description;
        return `pages: ${title} (${projectName}${reason ? `: ${reason}` : ''})`;
      }),
  );
  return [...here, ...suites.flatMap(skippedIn)];
}

function crashed(name, code) {
  totals.failed += 1;
  console.log(`${name}: did not end well (exit code ${code})`);
}

function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function node(args, output = 'inherit') {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['ignore', output, output],
      env: { ...process.env, FORCE_COLOR: process.stdout.isTTY ? '1' : '0' },
    });
    child.on('error', () => resolve(127));
    child.on('close', (code, signal) => resolve(code ?? `signal ${signal}`));
  });
}
