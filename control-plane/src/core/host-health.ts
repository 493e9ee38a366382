import type { HostHealth } from '@drover/shared/api/views';
import { AWAY_MS } from './guest-state.ts';
import type { Host } from './held.ts';

/** A command is journalled within a second: a host that reports, and takes none for so long, does not get on. */
const STUCK_MS = 60_000;
/** Beyond this, times that the host tells are misleading; the link itself bears any clock. */
const CLOCK_OFF_MS = 30_000;
/** Two agents with one key throw each other out every few seconds. */
const CLONE_SHOWN_MS = 600_000;
/** Agents of release N-2 to N+1 are understood. */
const RELEASES = { behind: 2, ahead: 1 };

export interface HealthInput {
  readonly host: Host;
  /** Null: it has not introduced itself yet. */
  readonly agentVersion: string | null;
  /** When the oldest wish was made that the host has not journalled; null: it has all. */
  readonly pendingSinceMs: number | null;
  readonly controlPlaneVersion: string;
  readonly nowMs: number;
}

/** How a host is, in the one word that matters most, with what is wrong and what to do. First match wins. */
export function hostHealth(input: HealthInput): HostHealth {
  const { host, nowMs } = input;
  if (host.revokedAtMs !== null) {
    return {
      state: 'revoked',
      sinceMs: host.revokedAtMs,
      detail: 'It was cut off: it is not heard and told nothing. Its guests run on.',
      fix: `Let it in again: drover host admit ${host.name}`,
    };
  }
  if (host.heardAtMs === null) {
    return {
      state: 'never-heard',
      sinceMs: host.enrolledAtMs,
      detail: 'It was let in, and has said nothing yet.',
      fix: 'Start the agent on it: systemctl start drover-agent',
    };
  }
  if (host.cloneSeenAtMs !== null && nowMs - host.cloneSeenAtMs < CLONE_SHOWN_MS) {
    return {
      state: 'clone-suspected',
      sinceMs: host.cloneSeenAtMs,
      detail: 'Two agents use its key, and throw each other out: perhaps its disk was copied to another machine.',
      fix: 'Stop the agent on the copy, and enrol that one as a host of its own: drover-agent enrol --new-key',
    };
  }
  if (!host.connected || nowMs - host.heardAtMs > AWAY_MS) {
    return {
      state: 'silent',
      sinceMs: host.heardAtMs,
      detail: 'It is not heard. Its guests go on without it; what you ask for reaches it when it is back.',
      fix: 'See that it is on and reaches this control plane; its agent says why: journalctl -u drover-agent',
    };
  }
  return (
    stuck(input, host.heardAtMs) ?? otherRelease(input) ?? clockOff(host) ?? { state: 'connected', sinceMs: null, detail: null, fix: null }
  );
}

function stuck({ host, pendingSinceMs, nowMs }: HealthInput, heardAtMs: number): HostHealth | null {
  if (pendingSinceMs === null) return null;
  const sinceMs = Math.max(pendingSinceMs, host.progressAtMs ?? host.enrolledAtMs);
  if (nowMs - sinceMs <= STUCK_MS || heardAtMs < sinceMs) return null;
  return {
    state: 'not-progressing',
    sinceMs,
    detail: 'It reports, but takes no commands.',
    fix: 'See what its agent says, and start it anew: journalctl -u drover-agent; systemctl restart drover-agent. Guests run on.',
  };
}

function otherRelease({ agentVersion, controlPlaneVersion }: HealthInput): HostHealth | null {
  if (agentVersion === null) return null;
  const ahead = releasesAhead(agentVersion, controlPlaneVersion);
  if (ahead === null || (ahead >= -RELEASES.behind && ahead <= RELEASES.ahead)) return null;
  const words = { sinceMs: null, detail: `Its agent is ${agentVersion}, this control plane ${controlPlaneVersion}.` };
  return ahead < 0
    ? { state: 'agent-too-old', ...words, fix: 'Upgrade the agent: what it does not understand, it refuses.' }
    : { state: 'agent-too-new', ...words, fix: 'Upgrade the control plane, which goes first.' };
}

function clockOff({ clockAheadMs }: Host): HostHealth | null {
  if (clockAheadMs === null || Math.abs(clockAheadMs) <= CLOCK_OFF_MS) return null;
  const by = `${Math.round(Math.abs(clockAheadMs) / 1_000)} s ${clockAheadMs > 0 ? 'ahead' : 'behind'}`;
  return { state: 'clock-off', sinceMs: null, detail: `Its clock is ${by}.`, fix: 'Let it keep time: apt install systemd-timesyncd' };
}

/** Releases are counted by the second number; null: one of the two is no version, or they are not of one line. */
function releasesAhead(agent: string, controlPlane: string): number | null {
  const [a, c] = [agent, controlPlane].map((version) => /^(\d+)\.(\d+)\./.exec(version));
  if (!a || !c) return null;
  return a[1] === c[1] ? Number(a[2]) - Number(c[2]) : (Number(a[1]) - Number(c[1])) * 1_000;
}
