import type { HostView } from '@drover/shared/api/views';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ago, bytes, fullTime, sentence } from '../format.ts';
import { Button } from '../kit/button.tsx';
import { CopyButton } from '../kit/copy.tsx';
import { Glyph, hostSays, type Tone } from '../kit/glyph.tsx';
import { ProblemNote } from '../kit/problem.tsx';
import { Meter } from '../kit/progress.tsx';
import { Skeleton } from '../kit/skeleton.tsx';
import type { Query } from '../live/collection.ts';
import { live, useNow, useOne, useViews } from '../live/use.ts';
import { Facts } from '../parts/facts.tsx';
import { Failed } from '../parts/failed.tsx';
import { guestsOn } from '../parts/guests-on.ts';
import { HostDoor } from '../parts/host-door.tsx';
import { HostEditSheet } from '../parts/host-edit.tsx';
import { HostFiguresCard } from '../parts/host-figures.tsx';
import { HostHardware } from '../parts/host-hardware.tsx';
import { HostPowerSheet, HostUpkeep } from '../parts/host-upkeep.tsx';
import { Missing } from '../parts/missing.tsx';
import { PageHeader } from '../parts/page-header.tsx';
import { RemoveHostSheet } from '../parts/remove-host.tsx';
import { ReplaceHostSheet } from '../parts/replace-host.tsx';
import { useSheet } from '../parts/use-sheet.ts';
import { t } from '../text/t.ts';

const route = getRouteApi('/signed-in/hosts/$hostId');
const BACK = { to: '/hosts', name: t('place.hosts') } as const;
const ALL: Query = {};

export function HostPage() {
  const { hostId } = route.useParams();
  const { sheet } = route.useSearch();
  const { open, close } = useSheet();
  const { view: host, missing, failed, problem } = useOne(live.host, hostId);
  if (missing) return <Missing title={t('host.gone.title')} what={t('host.gone.what')} back={BACK} />;
  if (host === null) {
    return (
      <>
        <PageHeader title={t('host')} back={BACK} />
        {failed ? <Failed problem={problem} onAgain={live.host.recover} /> : <Skeleton rows={4} />}
      </>
    );
  }
  return (
    <>
      <PageHeader title={host.name} back={BACK}>
        <Button icon="edit" className="max-md:px-3" onClick={() => open({ sheet: 'edit' })}>
          <span className="max-md:sr-only">{t('edit')}</span>
        </Button>
      </PageHeader>
      <div className="grid items-start gap-4 lg:grid-cols-2">
        <div className="grid min-w-0 gap-4">
          <Summary host={host} />
          <Section title={t('host.now')}>
            <HostFiguresCard host={host} />
          </Section>
          <Section title={t('host.fabric')}>
            <Fabric host={host} />
          </Section>
          {host.orphans.length === 0 ? null : (
            <Section title={t('host.orphans')}>
              <div className="space-y-1 p-4 pt-0">
                <p className="text-sm text-muted">{t('host.orphans.what')}</p>
                <ul className="font-mono text-sm">
                  {host.orphans.map(({ kind, id }) => (
                    <li key={`${kind}/${id}`} className="break-words">
                      {kind} {id}
                    </li>
                  ))}
                </ul>
              </div>
            </Section>
          )}
          <Section title={t('host.upkeep')}>
            <HostUpkeep host={host} onPower={(action) => open({ sheet: action })} />
          </Section>
          <Section title={t('host.access')}>
            <HostDoor host={host} onReplace={() => open({ sheet: 'replace' })} onRemove={() => open({ sheet: 'remove' })} />
          </Section>
        </div>
        <div className="grid min-w-0 gap-4">
          <Section title={t('host.drivers')}>
            <Drivers host={host} />
          </Section>
          <Section title={t('host.hardware')}>
            <HostHardware host={host} />
          </Section>
        </div>
      </div>
      {sheet === 'edit' ? <HostEditSheet host={host} onClose={close} /> : null}
      {sheet === 'reboot' || sheet === 'shutdown' ? <HostPowerSheet host={host} action={sheet} onClose={close} /> : null}
      {sheet === 'replace' ? <ReplaceHostSheet host={host} onClose={close} /> : null}
      {sheet === 'remove' ? <RemoveHostSheet host={host} onClose={close} /> : null}
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="card min-w-0 overflow-hidden">
      <h2 className="flex min-h-12 items-center px-4 font-semibold">{title}</h2>
      {children}
    </section>
  );
}

function Summary({ host }: { host: HostView }) {
  const now = useNow(5_000);
  const says = hostSays(host);
  return (
    <section className="card min-w-0 pt-4" data-stale={!host.connected}>
      <div className="space-y-1 px-4 pb-4">
        <p className="flex items-center gap-3 text-lg font-semibold" role="status">
          <Glyph tone={says.tone} size={18} />
          {t(says.word)}
        </p>
        {host.connected || host.heardAtMs === null ? null : (
          <p className="text-muted" title={fullTime(host.heardAtMs)}>
            {sentence(t('host.heard', { when: ago(host.heardAtMs, now) }))}
          </p>
        )}
        {host.health.detail === null ? null : <p>{host.health.detail}</p>}
        {host.paused === null ? null : (
          <p title={fullTime(host.paused.sinceMs)}>
            {t(host.paused.reason === '' ? 'host.paused' : 'host.paused.why', {
              when: ago(host.paused.sinceMs, now),
              reason: host.paused.reason,
            })}
          </p>
        )}
        {host.health.fix === null ? null : <p className="text-muted">{host.health.fix}</p>}
      </div>
      <Facts
        facts={[
          [
            t('place.guests'),
            <Link key="guests" to="/guests" search={{ host: host.name }} className="link">
              {guestsOn(host)}
            </Link>,
          ],
          [
            t('host.cpu'),
            host.cores === null
              ? t('unknown')
              : t('host.cpu.of', { cores: t('cores', { count: host.cores }), model: host.cpuModel ?? t('unknown') }),
          ],
          [t('memory'), bytes(host.memoryBytes)],
          ...machineFacts(host),
          [t('host.os'), host.os ?? t('unknown')],
          [t('host.kernel'), host.kernel === null ? t('unknown') : `${host.kernel} ${host.architecture ?? ''}`],
          [t('host.agent'), host.agentVersion ?? t('unknown')],
          [t('host.addresses'), host.addresses.length === 0 ? t('unknown') : host.addresses.join(', ')],
          ...settingsFacts(host),
          [t('host.joined'), ago(host.enrolledAtMs, now)],
          [
            t('host.key'),
            <span key="key" className="flex items-center justify-end">
              <span className="font-mono text-[13px]">{host.fingerprint}</span>
              <CopyButton text={host.fingerprint} label={t('copy.fingerprint')} />
            </span>,
          ],
        ]}
      />
    </section>
  );
}

/** What an agent of before does not say is left out. */
function machineFacts({ machine, processor, kvm }: HostView): [string, string][] {
  const model = [machine?.vendor, machine?.product].filter(Boolean).join(' ');
  const kind = [machine?.chassis, machine?.virtual ? t('host.virtual', { on: machine.virtual }) : null].filter(Boolean).join(', ');
  const rows: [string, string | undefined][] = [
    [t('host.model'), [model, kind].filter(Boolean).join(', ') || undefined],
    [t('host.microcode'), processor?.microcode],
    [t('host.kvm'), kvm === null ? undefined : kvm.usable ? t('driver.usable') : (kvm.reason ?? t('driver.unusable'))],
  ];
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}

/** What was set; and when the host has not taken it, that. */
function settingsFacts({ settings }: HostView): [string, string][] {
  const { tags, location, notes, startDelayS, maintenance, condition, problem } = settings;
  const rows: [string, string | null][] = [
    [t('tags'), tags.join(', ') || null],
    [t('host.location'), location || null],
    [t('guest.notes'), notes || null],
    [t('host.delay'), startDelayS === 0 ? null : t('time.seconds', { count: startDelayS })],
    [t('host.maintenance'), maintenance ? t('host.maintenance.on') : null],
    [t('host.settings'), condition === null || condition === 'settled' ? null : (problem?.detail ?? t('host.settings.pending'))],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
}

/** What it can run and keep, and where it cannot, why not. */
function Drivers({ host }: { host: HostView }) {
  if (host.drivers.length === 0) return <p className="border-t border-line p-4 text-muted">{t('host.drivers.none')}</p>;
  return (
    <ul>
      {host.drivers.map((driver) => {
        // Usable with a reason: it works in part, which is worth a second look.
        const tone: Tone = driver.usable ? (driver.reason === undefined ? 'ok' : 'warn') : 'bad';
        return (
          <li key={`${driver.port}/${driver.name}`} className="flex gap-3 border-t border-line px-4 py-3">
            <span className="mt-1">
              <Glyph tone={tone} />
            </span>
            <div className="min-w-0">
              <p>
                <span className="font-semibold">{driver.title}</span>{' '}
                <span className="text-muted">
                  {t(driver.usable ? (driver.reason === undefined ? 'driver.usable' : 'driver.partly') : 'driver.unusable')}
                </span>
              </p>
              {driver.reason === undefined ? null : <p className="text-sm break-words">{driver.reason}</p>}
              {driver.version === undefined ? null : <p className="text-sm text-muted">{t('version', { version: driver.version })}</p>}
            </div>
          </li>
        );
      })}
    </ul>
  );
}

function Fabric({ host }: { host: HostView }) {
  const storages = useViews(live.storage, ALL).views.filter((storage) => storage.host.id === host.id);
  const networks = useViews(live.network, ALL).views.filter((network) => network.host.id === host.id);
  if (storages.length + networks.length === 0) return <p className="border-t border-line p-4 text-muted">{t('host.fabric.none')}</p>;
  return (
    <ul>
      {storages.map((storage) => (
        <li key={storage.id} className="space-y-2 border-t border-line px-4 py-3">
          <p className="flex justify-between gap-4">
            <span className="font-semibold">{t('storage.named', { name: storage.name })}</span>
            <span className="text-muted">{readiness(storage)}</span>
          </p>
          {storage.totalBytes === null || storage.freeBytes === null ? null : (
            <>
              <Meter used={1 - storage.freeBytes / storage.totalBytes} label={t('storage.used', { name: storage.name })} />
              <p className="text-sm text-muted">
                {t('storage.free.of', { free: bytes(storage.freeBytes), total: bytes(storage.totalBytes) })}
              </p>
            </>
          )}
          {storage.problem === null ? null : <ProblemNote problem={storage.problem} />}
        </li>
      ))}
      {networks.map((network) => (
        <li key={network.id} className="space-y-2 border-t border-line px-4 py-3">
          <p className="flex justify-between gap-4">
            <span className="font-semibold">{t('network.named', { name: network.name })}</span>
            <span className="text-muted">{readiness(network)}</span>
          </p>
          {network.problem === null ? null : <ProblemNote problem={network.problem} />}
        </li>
      ))}
    </ul>
  );
}

const readiness = (thing: {
  readonly ready: boolean;
  readonly driver: string;
  readonly activity: { readonly title: string } | null;
}): string => `${thing.driver} · ${thing.ready ? t('ready') : (thing.activity?.title ?? t('not-ready'))}`;
