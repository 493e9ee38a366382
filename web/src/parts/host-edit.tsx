import type { EditHost } from '@drover/shared/api/requests';
import type { HostView } from '@drover/shared/api/views';
import { useState } from 'react';
import { call } from '../api.ts';
import { Button } from '../kit/button.tsx';
import { CheckField, TextArea, TextField } from '../kit/field.tsx';
import { ProblemNote } from '../kit/problem.tsx';
import { Sheet } from '../kit/sheet.tsx';
import { live } from '../live/use.ts';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { type HostForm, hostEditOf, hostFormOf } from './host-changes.ts';
import { useFaults } from './use-faults.ts';

const FIELDS = ['name', 'tags', 'location', 'notes', 'startDelayS'];

export function HostEditSheet({ host, onClose }: { host: HostView; onClose: () => void }) {
  // The host as it was when the form was opened: what the person's changes rest on.
  const [base] = useState(() => hostFormOf(host));
  const [form, setForm] = useState(base);
  const save = useWrite({
    mutationFn: async (edit: EditHost) => {
      const asked = live.host.ask();
      live.host.put(asked, await call<HostView>('PATCH', `/hosts/${host.id}`, { body: edit }));
    },
    onSuccess: onClose,
  });
  const { form: element, setFaults, fault, problem, failed } = useFaults(save.error, FIELDS);
  const set = (change: Partial<HostForm>): void => setForm((before) => ({ ...before, ...change }));

  const submit = (): void => {
    const { edit, faults: found } = hostEditOf(base, form);
    setFaults(found);
    if (Object.keys(found).length > 0) return;
    if (Object.keys(edit).length === 0) onClose();
    else save.mutate(edit);
  };

  return (
    <Sheet title={t('edit.title', { name: host.name })} onClose={onClose}>
      <form
        ref={element}
        className="space-y-4"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <TextField
          label={t('column.name')}
          value={form.name}
          error={fault('name')}
          onChange={(event) => set({ name: event.target.value })}
        />
        <TextField
          label={t('tags')}
          hint={t('tags.hint')}
          value={form.tags}
          error={fault('tags')}
          onChange={(event) => set({ tags: event.target.value })}
        />
        <TextField
          label={t('host.location')}
          hint={t('host.location.hint')}
          autoCapitalize="sentences"
          value={form.location}
          error={fault('location')}
          onChange={(event) => set({ location: event.target.value })}
        />
        <TextArea
          label={t('guest.notes')}
          value={form.notes}
          error={fault('notes')}
          onChange={(event) => set({ notes: event.target.value })}
        />
        <TextField
          label={t('host.delay')}
          hint={t('host.delay.hint')}
          inputMode="numeric"
          value={form.startDelay}
          error={fault('startDelayS')}
          onChange={(event) => set({ startDelay: event.target.value })}
        />
        <CheckField
          label={t('host.maintenance')}
          hint={t('host.maintenance.hint')}
          checked={form.maintenance}
          onChange={(event) => set({ maintenance: event.target.checked })}
        />
        {failed ? <ProblemNote problem={problem} /> : null}
        <Button type="submit" look="primary" className="w-full" busy={save.isPending}>
          {t('save')}
        </Button>
      </form>
    </Sheet>
  );
}
