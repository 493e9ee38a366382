import { type RefObject, useEffect, useRef } from 'react';

/** After each attempt the field at fault takes the focus and comes into sight, with what is said below it; one that is folded away unfolds. */
export function useFaultFocus(faults: unknown, error: unknown): RefObject<HTMLFormElement | null> {
  const form = useRef<HTMLFormElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another answer is what moves the focus
  useEffect(() => {
    const field = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    field?.closest('details')?.setAttribute('open', '');
    field?.focus({ preventScroll: true });
    field?.scrollIntoView({ block: 'center' });
  }, [faults, error]);
  return form;
}
