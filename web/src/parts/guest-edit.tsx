import type { EditGuest } from '@drover/shared/api/requests';
import type { GuestView } from '@drover/shared/api/views';
import { useState } from 'react';
import { call } from '../api.ts';
import { Button } from '../kit/button.tsx';
import { CheckField, TextArea, TextField } from '../kit/field.tsx';
import { ProblemNote } from '../kit/problem.tsx';
import { Sheet } from '../kit/sheet.tsx';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { type Accepted, sendGuest } from './guest-actions.ts';
import { editOf, formOf, type GuestForm, rebased } from './guest-changes.ts';
import { useFaults } from './use-faults.ts';

/** Fields beside which their fault is shown. */
const PLACED = ['name', 'memoryBytes', 'cores', 'tags', 'notes', 'startOrder', 'startDelayS', 'shutdownTimeoutS'];

export function GuestEditSheet({ guest, onClose }: { guest: GuestView; onClose: () => void }) {
  // The guest as it was when the form was opened: what the person's changes rest on.
  const [base, setBase] = useState(guest);
  const [form, setForm] = useState(() => formOf(guest));
  const save = useWrite({
    mutationFn: ({ edit, generation }: { edit: EditGuest; generation: number }) =>
      sendGuest(() => call<Accepted>('PATCH', `/guests/${guest.id}`, { body: edit, generation })),
    onSuccess: onClose,
  });
  const { form: element, setFaults, fault, problem, failed } = useFaults(save.error, PLACED);
  const isStale = problem?.code === 'stale-generation';
  const set = (change: Partial<GuestForm>): void => setForm((before) => ({ ...before, ...change }));

  const submit = (onto: GuestView): void => {
    const { edit, faults: found } = editOf(formOf(base), form);
    setFaults(found);
    if (Object.keys(found).length > 0) return;
    if (Object.keys(edit).length === 0) onClose();
    else save.mutate({ edit, generation: onto.generation });
  };

  return (
    <Sheet title={t('edit.title', { name: guest.name })} onClose={onClose}>
      <form
        ref={element}
        className="space-y-4"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          submit(base);
        }}
      >
        <TextField
          label={t('column.name')}
          value={form.name}
          error={fault('name')}
          onChange={(event) => set({ name: event.target.value })}
        />
        <div className="grid grid-cols-2 gap-3">
          <TextField
            label={t('memory')}
            value={form.memory}
            error={fault('memoryBytes')}
            onChange={(event) => set({ memory: event.target.value })}
          />
          <TextField
            label={t('cores.name')}
            inputMode="numeric"
            value={form.cores}
            error={fault('cores')}
            onChange={(event) => set({ cores: event.target.value })}
          />
        </div>
        <TextField
          label={t('tags')}
          hint={t('tags.hint')}
          value={form.tags}
          error={fault('tags')}
          onChange={(event) => set({ tags: event.target.value })}
        />
        <TextArea
          label={t('guest.notes')}
          value={form.notes}
          error={fault('notes')}
          onChange={(event) => set({ notes: event.target.value })}
        />
        <CheckField label={t('guest.boot')} checked={form.startAtBoot} onChange={(event) => set({ startAtBoot: event.target.checked })} />
        <TextField
          label={t('guest.order')}
          hint={t('guest.order.hint')}
          inputMode="numeric"
          value={form.startOrder}
          error={fault('startOrder')}
          onChange={(event) => set({ startOrder: event.target.value })}
        />
        <div className="grid grid-cols-2 items-end gap-3">
          <TextField
            label={t('guest.delay')}
            inputMode="numeric"
            value={form.startDelay}
            error={fault('startDelayS')}
            onChange={(event) => set({ startDelay: event.target.value })}
          />
          <TextField
            label={t('guest.timeout')}
            inputMode="numeric"
            value={form.shutdownTimeout}
            error={fault('shutdownTimeoutS')}
            onChange={(event) => set({ shutdownTimeout: event.target.value })}
          />
        </div>
        {isStale ? (
          <ProblemNote problem={{ detail: t('stale.title'), suggestion: t('stale.what') }}>
            <Button
              className="mt-2"
              busy={save.isPending}
              onClick={() => {
                // Their changes stay; mine go on top of them.
                setForm((mine) => rebased(formOf(base), mine, formOf(guest)));
                setBase(guest);
                save.reset();
              }}
            >
              {t('stale.go')}
            </Button>
          </ProblemNote>
        ) : failed ? (
          <ProblemNote problem={problem} />
        ) : null}
        <Button type="submit" look="primary" className="w-full" busy={save.isPending} disabled={isStale}>
          {t('save')}
        </Button>
      </form>
    </Sheet>
  );
}
