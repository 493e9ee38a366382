import { useNavigate, useRouter, useRouterState } from '@tanstack/react-router';
import { useCallback } from 'react';
import { patched } from './search.ts';

export type SheetName = 'add' | 'delete' | 'edit' | 'reboot' | 'remove' | 'replace' | 'shutdown' | 'stop';
interface SheetMembers {
  readonly sheet: SheetName;
  readonly guest?: string;
}

/** Sheets stand in the address, so that "back" closes them and a link can open them. */
export function useSheet(): { open: (members: SheetMembers) => void; close: () => void } {
  const navigate = useNavigate();
  const router = useRouter();
  const wasOpenedHere = useRouterState({ select: (state) => state.location.state.sheet === true });

  const open = useCallback(
    (members: SheetMembers) => {
      void navigate({ to: '.', search: (search) => patched(search, members), state: { sheet: true }, resetScroll: false });
    },
    [navigate],
  );
  const close = useCallback(() => {
    if (wasOpenedHere) router.history.back();
    else
      void navigate({
        to: '.',
        search: (search) => patched(search, { sheet: undefined, guest: undefined }),
        replace: true,
        resetScroll: false,
      });
  }, [navigate, router, wasOpenedHere]);
  return { open, close };
}
