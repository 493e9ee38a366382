import type { GiveSecondFactor, SecondFactorNeeded } from '@drover/shared/api/identity';
import { useState } from 'react';
import { Button } from '../kit/button.tsx';
import { TextField } from '../kit/field.tsx';
import { Form } from '../kit/form.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { useWrite } from '../queries.ts';
import { t } from '../text/t.ts';
import { giveSecondFactor, secondFactorByPasskey } from './session.ts';

/** After a password or a link that was right: the other half. */
export function SecondFactorForm({ needed, onAgain }: { needed: SecondFactorNeeded; onAgain: () => void }) {
  const { needs, ticket, passkey } = needed;
  const [code, setCode] = useState('');
  const [isRecovering, setRecovering] = useState(!needs.includes('totp') && passkey === null);
  const give = useWrite<null, GiveSecondFactor | null>({
    mutationFn: (proof) => (proof === null ? secondFactorByPasskey(needed) : giveSecondFactor(proof)),
  });
  const byCode = needs.includes('totp') || isRecovering;

  return (
    <div className="space-y-4">
      <ThrownNote error={give.error} />
      {passkey !== null && needs.includes('passkey') ? (
        <Button look="primary" className="w-full" busy={give.isPending} onClick={() => give.mutate(null)}>
          {t('sign-in.second.passkey')}
        </Button>
      ) : null}
      {byCode ? (
        <Form
          onSend={() => {
            const typed = code.replaceAll(/\s/g, '');
            if (typed !== '') give.mutate(isRecovering ? { ticket, recovery: typed } : { ticket, totp: typed });
          }}
        >
          <TextField
            label={isRecovering ? t('sign-in.recovery') : t('sign-in.code')}
            hint={isRecovering ? undefined : t('sign-in.code.hint')}
            name="code"
            autoComplete="one-time-code"
            inputMode={isRecovering ? 'text' : 'numeric'}
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
          <Button type="submit" look="primary" className="w-full" busy={give.isPending}>
            {t('sign-in.continue')}
          </Button>
        </Form>
      ) : null}
      {needs.includes('recovery') && !isRecovering ? (
        <Button look="quiet" className="w-full" onClick={() => setRecovering(true)}>
          {t('sign-in.recovery.use')}
        </Button>
      ) : null}
      <Button look="quiet" className="w-full" onClick={onAgain}>
        {t('sign-in.again')}
      </Button>
    </div>
  );
}
