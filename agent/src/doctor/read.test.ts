import { describe, expect, it } from 'vitest';
import { findingOfClock, findingOfDriver, findingOfPackages, findingOfSpace, findingOfUnit } from './read.ts';

const shown = (state: Record<string, string>) =>
  Object.entries({
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: 'running',
    UnitFileState: 'enabled',
    NRestarts: '0',
    Result: 'success',
    ...state,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

describe('a unit', () => {
  it.each([
    ['that runs is well', {}, [{ verdict: 'ok', text: 'a.service runs' }]],
    [
      'that is not there is brought by the package',
      { LoadState: 'not-found' },
      [{ verdict: 'no', fix: expect.stringMatching(/reinstall/) }],
    ],
    [
      'that failed can be started',
      { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' },
      [{ verdict: 'no', text: 'a.service is failed (failed, exit-code)' }],
    ],
    ['that fell over is mentioned', { NRestarts: '3' }, [{ verdict: 'note' }]],
    [
      'that would not come back with the host is not well',
      { UnitFileState: 'disabled' },
      [{ verdict: 'ok' }, { verdict: 'no', fix: 'systemctl enable a.service' }],
    ],
  ])('%s', (_name, state, findings) => {
    expect(findingOfUnit('a.service', shown(state))).toMatchObject(findings);
  });
});

describe('the clock', () => {
  const date = 'Sun, 22 Nov 2026 12:00:00 GMT';
  it.each([
    ['right to a minute', Date.parse(date) + 59_000, 'ok'],
    ['ahead', Date.parse(date) + 86_400_000, 'no'],
    ['behind', Date.parse(date) - 61_000, 'no'],
  ])('%s', (_name, nowMs, verdict) => {
    expect(findingOfClock(date, nowMs).verdict).toBe(verdict);
  });
  it('says which way it is off', () => {
    expect(findingOfClock(date, Date.parse(date) - 86_400_000).text).toBe("the clock is 86400 s behind the control plane's");
  });
  it('is not judged without another', () => {
    expect(findingOfClock(null, 0).verdict).toBe('note');
  });
});

it('a disk that is nearly full is not well', () => {
  expect(findingOfSpace('/var/lib', 2 ** 31).verdict).toBe('ok');
  expect(findingOfSpace('/var/lib', 2 ** 20)).toMatchObject({ verdict: 'no', text: expect.stringMatching(/^only 1 MiB/) });
});

it('a driver says why it is of no use, or of less', () => {
  const driver = { port: 'guest', name: 'qemu', title: 'Virtual machines (QEMU)', usable: true, capabilities: {} } as const;
  expect(findingOfDriver(driver).verdict).toBe('ok');
  expect(findingOfDriver({ ...driver, reason: 'no KVM' })).toMatchObject({ verdict: 'note', text: expect.stringMatching(/no KVM/) });
  expect(findingOfDriver({ ...driver, usable: false, reason: 'not installed' }).verdict).toBe('no');
});

it('half-installed packages are named', () => {
  expect(findingOfPackages('\n').verdict).toBe('ok');
  const audited =
    'The following packages have been unpacked but not yet configured.\nThey must be configured using dpkg --configure:\n lxc                  Linux Containers userspace tools\n';
  expect(findingOfPackages(audited).text).toBe('half installed: lxc');
});
