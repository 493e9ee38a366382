import type { HostView } from '@drover/shared/api/views';
import { exactBytes } from '../format.ts';
import { CheckField, SelectField, TextArea, TextField } from '../kit/field.tsx';
import { Icon } from '../kit/icon.tsx';
import { t } from '../text/t.ts';
import type { Draft } from './guest-draft.ts';

type Typed = Omit<Draft, 'type' | 'image' | 'isCd' | 'size' | 'host'>;

/** What most guests do without, folded away. */
export function GuestOptions({
  draft,
  hosts,
  fault,
  onChange,
  onHost,
}: {
  draft: Draft;
  hosts: readonly Pick<HostView, 'name' | 'connected'>[];
  fault: (field: string) => string | undefined;
  onChange: (members: Partial<Typed>) => void;
  onHost: (host: string) => void;
}) {
  return (
    <details className="card group">
      <summary className="flex min-h-12 list-none items-center justify-between px-4 font-semibold">
        {t('new.more')}
        <span className="text-muted transition-transform group-open:rotate-90">
          <Icon name="next" size={18} />
        </span>
      </summary>
      <div className="grid gap-4 border-t border-line p-4 sm:grid-cols-2">
        <SelectField label={t('column.host')} value={draft.host} error={fault('host')} onChange={(event) => onHost(event.target.value)}>
          <option value="">{t('host.auto')}</option>
          {hosts.map(({ name, connected }) => (
            <option key={name} value={name}>
              {connected ? name : t('host.named-away', { host: name })}
            </option>
          ))}
          {draft.host === '' || hosts.some(({ name }) => name === draft.host) ? null : <option>{draft.host}</option>}
        </SelectField>
        <TextField
          label={t('memory')}
          placeholder={exactBytes(draft.size.memoryBytes, ' ')}
          value={draft.memory}
          error={fault('memoryBytes')}
          onChange={(event) => onChange({ memory: event.target.value })}
        />
        <TextField
          label={t('cores.name')}
          inputMode="numeric"
          placeholder={String(draft.size.cores)}
          value={draft.cores}
          error={fault('cores')}
          onChange={(event) => onChange({ cores: event.target.value })}
        />
        <TextField
          label={t('disk')}
          placeholder={exactBytes(draft.size.diskBytes, ' ')}
          value={draft.disk}
          error={fault('diskBytes')}
          onChange={(event) => onChange({ disk: event.target.value })}
        />
        <TextField
          label={t('tags')}
          hint={t('tags.hint')}
          value={draft.tags}
          error={fault('tags')}
          onChange={(event) => onChange({ tags: event.target.value })}
        />
        <TextArea
          label={t('guest.notes')}
          rows={1}
          value={draft.notes}
          error={fault('notes')}
          onChange={(event) => onChange({ notes: event.target.value })}
        />
        <div className="sm:col-span-2">
          <TextArea
            label={t('ssh-keys')}
            hint={t('ssh-keys.hint')}
            placeholder="ssh-ed25519 AAAA…"
            spellCheck={false}
            value={draft.sshKeys}
            error={fault('sshKeys')}
            onChange={(event) => onChange({ sshKeys: event.target.value })}
          />
        </div>
        <div className="sm:col-span-2">
          <CheckField label={t('new.start')} checked={draft.start} onChange={(event) => onChange({ start: event.target.checked })} />
          <CheckField
            label={t('guest.boot')}
            checked={draft.startAtBoot}
            onChange={(event) => onChange({ startAtBoot: event.target.checked })}
          />
          {draft.type === 'container' ? (
            <CheckField
              label={t('privileged')}
              hint={t('privileged.hint')}
              checked={draft.privileged}
              onChange={(event) => onChange({ privileged: event.target.checked })}
            />
          ) : (
            <CheckField
              label={t('bios')}
              hint={t('bios.hint')}
              checked={draft.bios}
              onChange={(event) => onChange({ bios: event.target.checked })}
            />
          )}
        </div>
      </div>
    </details>
  );
}
