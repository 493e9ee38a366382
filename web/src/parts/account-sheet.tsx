import { Link } from '@tanstack/react-router';
import { Button } from '../kit/button.tsx';
import { ThrownNote } from '../kit/problem.tsx';
import { Sheet } from '../kit/sheet.tsx';
import { useWrite } from '../queries.ts';
import { signOut, useSession } from '../session/session.ts';
import { t } from '../text/t.ts';

export function AccountSheet({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const leave = useWrite({ mutationFn: signOut });
  if (session === undefined || session === null) return null;
  return (
    <Sheet title={session.user.name} onClose={onClose}>
      <div className="space-y-4">
        <p className="text-muted">{t('account.line', { name: session.user.name, version: session.version })}</p>
        <Link to="/account" className="button w-full" data-look="plain" onClick={onClose}>
          {t('account.manage')}
        </Link>
        <ThrownNote error={leave.error} />
        <Button className="w-full" busy={leave.isPending} onClick={() => leave.mutate()}>
          {t('account.sign-out')}
        </Button>
      </div>
    </Sheet>
  );
}
