import type { GuestView } from '@drover/shared/api/views';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ago, bytes, clockTime, fullTime, sentence } from '../format.ts';
import { Button } from '../kit/button.tsx';
import { CommandLine, CopyButton } from '../kit/copy.tsx';
import { Glyph, guestSays } from '../kit/glyph.tsx';
import { Icon } from '../kit/icon.tsx';
import { ProblemNote } from '../kit/problem.tsx';
import { Skeleton } from '../kit/skeleton.tsx';
import { live, useNow, useOne } from '../live/use.ts';
import { ActivityBar } from '../parts/activity-bar.tsx';
import { Facts } from '../parts/facts.tsx';
import { Failed } from '../parts/failed.tsx';
import { powerActions } from '../parts/guest-actions.ts';
import { GuestEditSheet } from '../parts/guest-edit.tsx';
import { GuestFiguresFacts } from '../parts/guest-figures.tsx';
import { DeleteSheet, DisruptiveSheet, StopSheet } from '../parts/guest-sheets.tsx';
import { Missing } from '../parts/missing.tsx';
import { noteFailure } from '../parts/notices.tsx';
import { PageHeader } from '../parts/page-header.tsx';
import { TaskList } from '../parts/task-list.tsx';
import { usePower } from '../parts/use-power.ts';
import { useSheet } from '../parts/use-sheet.ts';
import { t } from '../text/t.ts';

const route = getRouteApi('/signed-in/guests/$guestId');
const BACK = { to: '/guests', name: t('place.guests') } as const;

export function GuestPage() {
  const { guestId } = route.useParams();
  const { view, missing, failed, problem } = useOne(live.guest, guestId);
  if (missing) return <Missing title={t('guest.gone.title')} what={t('guest.gone.what')} back={BACK} />;
  if (view === null) {
    return (
      <>
        <PageHeader title={t('guest.numbered', { id: guestId })} back={BACK} />
        {failed ? <Failed problem={problem} onAgain={live.guest.recover} /> : <Skeleton rows={4} />}
      </>
    );
  }
  return <Guest guest={view} />;
}

function Guest({ guest }: { guest: GuestView }) {
  const { open } = useSheet();
  return (
    <>
      <PageHeader title={guest.name} back={BACK}>
        <span className="hidden flex-none gap-2 md:flex">
          <Actions guest={guest} />
        </span>
      </PageHeader>
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="grid min-w-0 gap-4">
          <StateCard guest={guest} />
          <Section title={t('guest.activity')}>
            <TaskList query={{ kind: 'guest', target: String(guest.id) }} limit={5} isShort />
          </Section>
          <Section title={t('guest.terminal')}>
            <Terminal guest={guest} />
          </Section>
        </div>
        <div className="grid min-w-0 gap-4">
          <Section
            title={t('guest.about')}
            action={
              <Button look="quiet" icon="edit" disabled={guest.deleting} onClick={() => open({ sheet: 'edit' })}>
                {t('edit')}
              </Button>
            }
          >
            <About guest={guest} />
            <GuestFiguresFacts guest={guest} />
          </Section>
          {guest.notes === '' ? null : (
            <Section title={t('guest.notes')}>
              <p className="p-4 pt-1 break-words whitespace-pre-wrap">{guest.notes}</p>
            </Section>
          )}
        </div>
      </div>
      <div className="fixed inset-x-0 bottom-[calc(3.5rem+env(safe-area-inset-bottom))] z-20 flex gap-2 border-t border-line bg-surface p-2 md:hidden">
        <Actions guest={guest} isBar />
      </div>
      <Sheets guest={guest} />
    </>
  );
}

function Section({ title, action, children }: { title: string; action?: ReactNode; children: ReactNode }) {
  return (
    <section className="card min-w-0 overflow-hidden">
      <header className="flex min-h-12 items-center justify-between gap-2 pr-2 pl-4">
        <h2 className="font-semibold">{title}</h2>
        {action}
      </header>
      {children}
    </section>
  );
}

/** What it is, why, what is being done about it, and what to do. */
function StateCard({ guest }: { guest: GuestView }) {
  const now = useNow(10_000);
  const says = guestSays(guest.state);
  return (
    <section className="card space-y-4 p-4 md:p-5" data-stale={guest.state === 'unknown'}>
      <div className="flex items-start gap-3">
        <span className="mt-1.5">
          <Glyph tone={says.tone} size={18} />
        </span>
        <div className="min-w-0">
          <p className="text-lg font-semibold" role="status">
            {t(says.word)}
          </p>
          {guest.reason === null || (guest.state === 'unknown' && guest.heardAtMs !== null) ? null : (
            <p className="text-muted">{sentence(guest.reason)}</p>
          )}
          {guest.state === 'unknown' && guest.heardAtMs !== null ? (
            <p className="text-muted">{t('guest.unknown.what', { host: guest.host.name, time: clockTime(guest.heardAtMs, now) })}</p>
          ) : null}
          {guest.state === 'running' && guest.startedAtMs !== null ? (
            <p className="text-muted" title={fullTime(guest.startedAtMs)}>
              {t('guest.started', { when: ago(guest.startedAtMs, now) })}
            </p>
          ) : null}
        </div>
      </div>
      {guest.activity === null ? null : <ActivityBar activity={guest.activity} />}
      {guest.addresses.length === 0 ? null : (
        <ul>
          {guest.addresses.map((address) => (
            <li key={address} className="flex items-center gap-1">
              <span className="font-mono break-all">{address}</span>
              <CopyButton text={address} label={t('copy.address', { address })} />
            </li>
          ))}
        </ul>
      )}
      {guest.needsRestart.length === 0 ? null : (
        <p className="flex gap-3 rounded-sm bg-warn-soft p-3 text-[15px]">
          <span className="text-warn">
            <Icon name="restart" />
          </span>
          {t('guest.needs-restart', { what: guest.needsRestart.map(fieldName).join(', ') })}
        </p>
      )}
      {guest.problem === null ? null : <ProblemNote problem={guest.problem} />}
    </section>
  );
}

const fieldName = (field: string): string =>
  field === 'memoryBytes' ? t('memory').toLowerCase() : field === 'cores' ? t('cores.name').toLowerCase() : field;

function About({ guest }: { guest: GuestView }) {
  const now = useNow(60_000);
  return (
    <Facts
      facts={[
        [
          t('column.type'),
          guest.accelerator === null
            ? t(guest.type)
            : t('guest.type.by', { type: t(guest.type), accelerator: t(guest.accelerator === 'kvm' ? 'kvm' : 'tcg') }),
        ],
        [
          t('column.host'),
          <Link key="host" to="/hosts/$hostId" params={{ hostId: guest.host.id }} className="link">
            {guest.host.name}
          </Link>,
        ],
        [t('image'), guest.image?.name ?? t('none')],
        [t('memory'), bytes(guest.memoryBytes)],
        [t('cores.name'), String(guest.cores)],
        [t('disk'), guest.disks.map((disk) => bytes(disk.sizeBytes)).join(', ')],
        [t('guest.boot'), bootWord(guest)],
        [t('tags'), guest.tags.length === 0 ? t('none') : guest.tags.join(', ')],
        [t('number'), String(guest.id)],
        [t('made'), ago(guest.createdAtMs, now)],
      ]}
    />
  );
}

/** The page has no console yet; these lines are ready to be copied. */
function Terminal({ guest }: { guest: GuestView }) {
  return (
    <div className="space-y-2 p-4 pt-0">
      {guest.observedPower === 'running' ? null : <p className="text-muted">{t('guest.terminal.off')}</p>}
      <p className="text-sm text-muted">{t('guest.exec')}</p>
      <CommandLine line={`npx drover guest exec ${guest.name} -- cat /etc/os-release`} label={t('guest.exec')} />
      <p className="pt-2 text-sm text-muted">{t('guest.console')}</p>
      <CommandLine line={`npx drover guest console ${guest.name}`} label={t('guest.console')} />
    </div>
  );
}

const ACTION_LOOKS = {
  start: { icon: 'play', word: 'start' },
  shutdown: { icon: 'power', word: 'shutdown.go' },
  reboot: { icon: 'restart', word: 'reboot.go' },
  stop: { icon: 'stop', word: 'stop.short' },
} as const;

/** The likely action first; only what harms nothing is filled. In the phone's bar all have the same width, so that four fit. */
function Actions({ guest, isBar = false }: { guest: GuestView; isBar?: boolean }) {
  const { open } = useSheet();
  const power = usePower(guest.id);
  const shape = isBar ? 'min-h-13 flex-1 basis-0 flex-col gap-0.5 px-1 text-xs' : '';
  return (
    <>
      {powerActions(guest).map((action) => (
        <Button
          key={action}
          icon={ACTION_LOOKS[action].icon}
          look={action === 'start' ? 'primary' : 'plain'}
          className={shape}
          busy={action === 'start' && power.isPending}
          onClick={() =>
            action === 'start'
              ? power.mutate('start', { onError: (error) => noteFailure(t('start.name', { name: guest.name }), error) })
              : open({ sheet: action })
          }
        >
          {t(ACTION_LOOKS[action].word)}
        </Button>
      ))}
      <Button icon="trash" className={shape} disabled={guest.deleting} onClick={() => open({ sheet: 'delete' })}>
        {t('delete.short')}
      </Button>
    </>
  );
}

function Sheets({ guest }: { guest: GuestView }) {
  const { sheet } = route.useSearch();
  const { close } = useSheet();
  const navigate = useNavigate();
  switch (sheet) {
    case 'shutdown':
    case 'reboot':
      return <DisruptiveSheet guest={guest} action={sheet} onClose={close} />;
    case 'stop':
      return <StopSheet guest={guest} onClose={close} />;
    case 'delete':
      return <DeleteSheet guest={guest} onClose={close} onDeleted={() => void navigate({ to: '/guests', replace: true })} />;
    case 'edit':
      return <GuestEditSheet guest={guest} onClose={close} />;
    default:
      return null;
  }
}

function bootWord({ startAtBoot, startOrder }: GuestView): string {
  if (!startAtBoot) return t('no');
  return startOrder === null ? t('yes') : t('guest.boot.order', { order: startOrder });
}
