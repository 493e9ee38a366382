import { type ReactNode, useEffect, useId, useRef } from 'react';
import { t } from '../text/t.ts';
import { IconButton } from './button.tsx';

/** A question or a form above the page: at the bottom on a phone, in the middle elsewhere. Escape, the backdrop and "back" close it. */
export function Sheet({ title, onClose, children }: { title: string; onClose: () => void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const titleId = useId();

  useEffect(() => {
    const element = dialog.current;
    const before = document.activeElement;
    element?.showModal();
    // What the question is comes first; on a phone a focused field would also call the keyboard.
    heading.current?.focus();
    return () => {
      element?.close();
      // The browser gives the focus back only when what had it is still there.
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the click is on the backdrop; Escape is the keyboard's way, by onCancel
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      className="fixed inset-x-0 top-auto bottom-0 m-0 max-h-[92dvh] w-full max-w-none overflow-y-auto rounded-t-lg border border-line bg-surface p-0 text-text shadow-2xl md:inset-0 md:m-auto md:h-fit md:max-w-lg md:rounded-lg"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div className="p-5 pb-[max(1.25rem,env(safe-area-inset-bottom))]">
        <header className="mb-3 flex items-start gap-2">
          <h2 ref={heading} id={titleId} tabIndex={-1} className="min-w-0 flex-1 py-1.5 text-lg leading-tight font-semibold">
            {title}
          </h2>
          <IconButton icon="close" label={t('close')} className="-mt-1 -mr-2" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}
