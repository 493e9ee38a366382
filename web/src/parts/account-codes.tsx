import type { AccountView, NewTotpView, RecoveryCodesView } from '@drover/shared/api/identity';
import { useState } from 'react';
import type { z } from 'zod';
import { call } from '../api.ts';
import { ago } from '../format.ts';
import { Button } from '../kit/button.tsx';
import { CommandLine } from '../kit/copy.tsx';
import { TextField } from '../kit/field.tsx';
import { Form } from '../kit/form.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { QrCode } from '../kit/qr-code.tsx';
import { useNow } from '../live/use.ts';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { AccountCard, accountChanged } from './account-card.tsx';
import { FreshCodes } from './fresh-codes.tsx';

type Codes = z.infer<typeof RecoveryCodesView>;

/** Codes of an app, and those that stand in when it is lost. */
export function AccountCodes({ account }: { account: AccountView }) {
  const now = useNow(30_000);
  const begin = useWrite<NewTotpView>({ mutationFn: () => call('POST', '/account/totp', { body: {} }) });
  const confirm = useWrite<Codes, string>({
    mutationFn: (code) => call('POST', '/account/totp/confirm', { body: { code } }),
    onSuccess: accountChanged,
  });
  const stop = useWrite({ mutationFn: () => call('DELETE', '/account/totp'), onSuccess: accountChanged });
  const renew = useWrite<Codes>({ mutationFn: () => call('POST', '/account/recovery-codes', { body: {} }), onSuccess: accountChanged });
  const { totp } = account;
  const shown = renew.data ?? confirm.data;
  return (
    <AccountCard title={t('account.totp')}>
      <p className="text-muted">{totp === null ? t('account.totp.none') : t('account.totp.on', { when: ago(totp.confirmedAtMs, now) })}</p>
      {totp?.locked ? <p className="text-bad">{t('account.totp.locked')}</p> : null}
      <ThrownNote error={begin.error ?? confirm.error ?? stop.error ?? renew.error} />
      {totp !== null ? (
        <Button busy={stop.isPending} onClick={() => stop.mutate()}>
          {t('account.totp.remove')}
        </Button>
      ) : begin.data ? (
        <Confirm begun={begin.data} busy={confirm.isPending} onCode={(code) => confirm.mutate(code)} />
      ) : (
        <Button busy={begin.isPending} onClick={() => begin.mutate()}>
          {t('account.totp.add')}
        </Button>
      )}
      {shown && shown.codes.length > 0 ? <FreshCodes codes={shown.codes} /> : null}
      {totp !== null || account.passkeys.length > 0 ? (
        <>
          <h3 className="font-semibold">{t('account.codes')}</h3>
          <p className="text-muted">{t('account.codes.left', { count: account.recoveryCodesLeft })}</p>
          <Button busy={renew.isPending} onClick={() => renew.mutate()}>
            {t('account.codes.renew')}
          </Button>
        </>
      ) : null}
    </AccountCard>
  );
}

function Confirm({ begun, busy, onCode }: { begun: NewTotpView; busy: boolean; onCode: (code: string) => void }) {
  const [code, setCode] = useState('');
  return (
    <Form
      onSend={() => {
        if (code.trim() !== '') onCode(code.replaceAll(/\s/g, ''));
      }}
    >
      <p>{t('account.totp.scan')}</p>
      <QrCode text={begun.uri} label={t('account.totp.qr')} />
      <CommandLine line={begun.seed} label={t('account.totp.qr')} />
      <TextField
        label={t('sign-in.code')}
        name="code"
        inputMode="numeric"
        autoComplete="one-time-code"
        value={code}
        onChange={(event) => setCode(event.target.value)}
      />
      <Button type="submit" look="primary" busy={busy}>
        {t('account.totp.confirm')}
      </Button>
    </Form>
  );
}
