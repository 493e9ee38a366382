import type { AccountView, SetPassword } from '@drover/shared/api/identity';
import { useState } from 'react';
import { call } from '../api.ts';
import { ago } from '../format.ts';
import { Button } from '../kit/button.tsx';
import { TextField } from '../kit/field.tsx';
import { Form } from '../kit/form.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { useNow } from '../live/use.ts';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { AccountCard, accountChanged } from './account-card.tsx';

export function AccountPassword({ account }: { account: AccountView }) {
  const now = useNow(30_000);
  const [old, setOld] = useState('');
  const [password, setPassword] = useState('');
  const save = useWrite<unknown, SetPassword>({
    mutationFn: (body) => call('POST', '/account/password', { body }),
    onSuccess: () => {
      setOld('');
      setPassword('');
      return accountChanged();
    },
  });
  const kept = account.password;
  return (
    <AccountCard title={t('account.password')}>
      <p className="text-muted">
        {kept === null ? t('account.password.none') : t('account.password.set', { when: ago(kept.setAtMs, now) })}
      </p>
      {save.isSuccess ? <p role="status">{t('account.password.saved')}</p> : null}
      <ThrownNote error={save.error} />
      <Form
        onSend={() => {
          if (password !== '') save.mutate({ password, ...(old === '' ? {} : { old }) });
        }}
      >
        {/* For what keeps passwords: whose it is. */}
        <input type="text" name="username" autoComplete="username" value={account.user.name} readOnly hidden />
        {kept === null ? null : (
          <TextField
            label={t('account.password.old')}
            hint={t('account.password.old.hint')}
            name="old"
            type="password"
            autoComplete="current-password"
            value={old}
            onChange={(event) => setOld(event.target.value)}
          />
        )}
        <TextField
          label={t('account.password.new')}
          hint={t('account.password.new.hint')}
          name="new"
          type="password"
          autoComplete="new-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <Button type="submit" busy={save.isPending}>
          {t('account.password.save')}
        </Button>
      </Form>
    </AccountCard>
  );
}
