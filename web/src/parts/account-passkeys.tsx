import type { AccountView, PasskeyChallenge, RecoveryCodesView } from '@drover/shared/api/identity';
import { useState } from 'react';
import type { z } from 'zod';
import { call } from '../api.ts';
import { ago } from '../format.ts';
import { Button, IconButton } from '../kit/button.tsx';
import { TextField } from '../kit/field.tsx';
import { Form } from '../kit/form.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { useNow } from '../live/use.ts';
import { useWrite } from '../queries.ts';
import { makePasskey } from '../session/passkey.ts';
import { t } from '../text/t.ts';
import { AccountCard, accountChanged } from './account-card.tsx';
import { FreshCodes } from './fresh-codes.tsx';

type Codes = z.infer<typeof RecoveryCodesView>;

export function AccountPasskeys({ account }: { account: AccountView }) {
  const now = useNow(30_000);
  const [name, setName] = useState('');
  const add = useWrite<Codes, string>({
    async mutationFn(called) {
      const { ticket, options } = await call<PasskeyChallenge>('POST', '/account/passkeys/challenge', { body: {} });
      return call<Codes>('POST', '/account/passkeys', { body: { ticket, name: called, passkey: await makePasskey(options) } });
    },
    onSuccess: () => {
      setName('');
      return accountChanged();
    },
  });
  const remove = useWrite<unknown, string>({
    mutationFn: (id) => call('DELETE', `/account/passkeys/${id}`),
    onSuccess: accountChanged,
  });
  return (
    <AccountCard title={t('account.passkeys')}>
      {account.passkeys.length === 0 ? <p className="text-muted">{t('account.passkeys.none')}</p> : null}
      <ul>
        {account.passkeys.map((passkey) => (
          <li key={passkey.id} className="flex min-h-11 items-center gap-2">
            <span className="min-w-0 flex-1">
              <span className="block truncate">{passkey.name}</span>
              <span className="block text-sm text-muted">
                {t('account.passkey.made', { when: ago(passkey.createdAtMs, now), site: passkey.site })}
              </span>
            </span>
            <IconButton
              icon="close"
              label={t('account.passkey.remove', { name: passkey.name })}
              onClick={() => remove.mutate(passkey.id)}
            />
          </li>
        ))}
      </ul>
      <ThrownNote error={add.error ?? remove.error} />
      {add.data && add.data.codes.length > 0 ? <FreshCodes codes={add.data.codes} /> : null}
      <Form onSend={() => add.mutate(name.trim() === '' ? navigator.platform || 'passkey' : name.trim())}>
        <TextField label={t('account.passkey.name')} name="passkey" value={name} onChange={(event) => setName(event.target.value)} />
        <Button type="submit" busy={add.isPending}>
          {t('account.passkey.add')}
        </Button>
      </Form>
    </AccountCard>
  );
}
