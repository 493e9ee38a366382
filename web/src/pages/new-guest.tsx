import type { HostView } from '@drover/shared/api/views';
import { realRandom } from '@drover/shared/lib/random';
import type { GuestType } from '@drover/shared/model/guest';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useId, useState } from 'react';
import { call, problemOf } from '../api.ts';
import { Button } from '../kit/button.tsx';
import { CommandLine } from '../kit/copy.tsx';
import { TextField } from '../kit/field.tsx';
import { Icon } from '../kit/icon.tsx';
import { ProblemNote } from '../kit/problem.tsx';
import { Segments } from '../kit/segments.tsx';
import { Skeleton } from '../kit/skeleton.tsx';
import type { Query } from '../live/collection.ts';
import { live, useViews } from '../live/use.ts';
import { NoHosts } from '../parts/empty.tsx';
import { type Accepted, sendGuest } from '../parts/guest-actions.ts';
import { commandOf, type Draft, requestOf, sizeOf } from '../parts/guest-draft.ts';
import { GuestOptions } from '../parts/guest-options.tsx';
import { ImageTiles, useImageChoices } from '../parts/image-tiles.tsx';
import { PageHeader } from '../parts/page-header.tsx';
import { candidatesOf, mostMemory, placementNote } from '../parts/placement-note.ts';
import { patched } from '../parts/search.ts';
import { SizeTiles } from '../parts/size-tiles.tsx';
import { suggestName } from '../parts/suggest-name.ts';
import { useFaults } from '../parts/use-faults.ts';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';

const route = getRouteApi('/signed-in/guests/new');
const ALL: Query = {};
const BACK = { to: '/guests', name: t('place.guests') } as const;
const PLACED = ['name', 'image', 'cdrom', 'memoryBytes', 'cores', 'diskBytes', 'host', 'tags', 'notes', 'sshKeys'];

type Typed = Omit<Draft, 'type' | 'image' | 'isCd' | 'size' | 'host'>;

export function NewGuestPage() {
  const { list, views: hosts } = useViews(live.host, ALL);
  return (
    <>
      <PageHeader title={t('guests.new')} back={BACK} />
      {list.state === 'ready' && list.total === 0 ? <NoHosts /> : <NewGuest hosts={hosts} areKnown={list.state === 'ready'} />}
    </>
  );
}

function NewGuest({ hosts, areKnown }: { hosts: readonly HostView[]; areKnown: boolean }) {
  const search = route.useSearch();
  const navigate = useNavigate();
  const type: GuestType = search.type ?? 'container';
  const { choices, catalogue } = useImageChoices(type);
  const chosen = choices.find((choice) => choice.name === search.image) ?? choices[0];
  const [typed, setTyped] = useState<Typed>(() => ({
    name: suggestName(realRandom),
    memory: '',
    cores: '',
    disk: '',
    tags: '',
    notes: '',
    sshKeys: '',
    start: true,
    startAtBoot: false,
    privileged: false,
    bios: false,
  }));

  const draft: Draft = {
    ...typed,
    type,
    image: chosen?.name ?? '',
    isCd: chosen?.isCd ?? false,
    size: sizeOf(type, search.size),
    host: search.host ?? '',
  };
  const candidates = candidatesOf(hosts, draft.host);
  const note = areKnown ? placementNote(type, candidates) : null;
  const made = requestOf(draft);
  const create = useWrite({
    mutationFn: (request: unknown) => sendGuest(() => call<Accepted>('POST', '/guests', { body: request })),
    onSuccess: ({ resource }) => {
      if (resource !== null) void navigate({ to: '/guests/$guestId', params: { guestId: String(resource.id) }, replace: true });
    },
  });
  const { form, setFaults, fault, problem, failed } = useFaults(create.error, PLACED);

  const choose = (members: { [K in keyof typeof search]?: (typeof search)[K] | undefined }): void => {
    void navigate({ to: '/guests/new', search: (before) => patched(before, members), replace: true, resetScroll: false });
  };
  const change = (members: Partial<Typed>): void => {
    setTyped((before) => patched(before, members));
    setFaults({});
    if (create.isError) create.reset();
  };
  const cdFault = fault('cdrom') ?? fault('image');

  return (
    <form
      ref={form}
      noValidate
      className="grid max-w-4xl grid-cols-[minmax(0,1fr)] gap-6 max-md:pb-24"
      onSubmit={(event) => {
        event.preventDefault();
        setFaults('faults' in made ? made.faults : {});
        if ('request' in made && !create.isPending) create.mutate(made.request);
      }}
    >
      <div className="sm:max-w-md">
        <Segments
          name="type"
          label={t('column.type')}
          value={type}
          choices={[
            { value: 'container', label: t('container') },
            { value: 'vm', label: t('vm') },
          ]}
          onChange={(next) => choose({ type: next, image: undefined })}
        />
        <p className="mt-2 text-sm text-muted">{t(type === 'container' ? 'container.what' : 'vm.what')}</p>
        {note === null ? null : (
          <p role="status" className={`mt-2 flex gap-3 rounded-sm p-3 text-sm ${note.isBad ? 'bg-bad-soft' : 'bg-warn-soft'}`}>
            <span className={note.isBad ? 'text-bad' : 'text-warn'}>
              <Icon name="warning" />
            </span>
            <span className="min-w-0">{note.text}</span>
          </p>
        )}
      </div>
      {catalogue.isError && choices.length === 0 ? (
        <ProblemNote problem={problemOf(catalogue.error)} />
      ) : choices.length === 0 ? (
        <Skeleton rows={2} />
      ) : (
        <ImageTiles
          choices={choices}
          type={type}
          hostNames={(candidates.length === 0 ? hosts : candidates).map((host) => host.name)}
          value={draft.image}
          onChange={(image) => choose({ image })}
        />
      )}
      {cdFault === undefined ? null : <ProblemNote problem={{ detail: cdFault, suggestion: problem?.suggestion }} />}
      <SizeTiles type={type} mostBytes={mostMemory(candidates)} value={draft.size.key} onChange={(size) => choose({ size })} />
      <div className="sm:max-w-md">
        <TextField
          label={t('column.name')}
          name="name"
          hint={t('name.hint')}
          value={typed.name}
          error={fault('name')}
          onChange={(event) => change({ name: event.target.value })}
        />
      </div>
      <GuestOptions draft={draft} hosts={hosts} fault={fault} onChange={change} onHost={(host) => choose({ host: host || undefined })} />
      {failed ? <ProblemNote problem={problem} /> : null}
      {'request' in made ? <Equivalent line={commandOf(made.request)} /> : null}
      <div className="fixed inset-x-0 bottom-[calc(3.5rem+env(safe-area-inset-bottom))] z-20 border-t border-line bg-surface p-2 md:sticky md:bottom-0 md:-mx-4 md:rounded-t-md md:border-x md:px-4 md:py-3">
        <Button type="submit" look="primary" className="w-full md:w-auto md:min-w-48" busy={create.isPending}>
          {t(typed.start ? 'new.create-start' : 'new.create', { name: typed.name.trim() || t('guest') })}
        </Button>
      </div>
    </form>
  );
}

function Equivalent({ line }: { line: string }) {
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <h2 id={id} className="mb-2 flex items-center gap-2 text-sm text-muted">
        <Icon name="activity" size={16} />
        {t('new.same')}
      </h2>
      <CommandLine line={line} label={t('cli.line')} />
    </section>
  );
}
