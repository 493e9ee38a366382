import type { ComponentProps, KeyboardEvent, ReactNode } from 'react';
import { Icon, type IconName } from './icon.tsx';

/** Enter held down presses a button once. The browser would press it on and on, also one that only now has the focus. */
const ignoreRepeat = (event: KeyboardEvent): void => {
  if (event.repeat && event.key === 'Enter') event.preventDefault();
};

interface ButtonProps extends Omit<ComponentProps<'button'>, 'children'> {
  readonly look?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly icon?: IconName;
  /** Asked for, not yet answered: not to be pressed again, but keeps the focus. */
  readonly busy?: boolean;
  readonly children: ReactNode;
}

export function Button({ look = 'plain', icon, busy = false, className = '', onClick, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      className={`button ${className}`}
      data-look={look}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
      onKeyDown={ignoreRepeat}
    >
      {icon === undefined ? null : <Icon name={icon} size={18} />}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'children' | 'aria-label'> {
  readonly icon: IconName;
  readonly label: string;
}

export function IconButton({ icon, label, className = '', ...rest }: IconButtonProps) {
  return (
    <button type="button" {...rest} className={`icon-button ${className}`} aria-label={label} title={label} onKeyDown={ignoreRepeat}>
      <Icon name={icon} />
    </button>
  );
}
