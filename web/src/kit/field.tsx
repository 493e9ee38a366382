import { type ComponentProps, type ReactNode, useId } from 'react';
import { Icon } from './icon.tsx';

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
  readonly error?: string | undefined;
}

function Frame({ id, label, hint, error, children }: FieldProps & { id: string; children: ReactNode }) {
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-semibold">
        {label}
      </label>
      {children}
      {error === undefined ? null : (
        <p id={`${id}-error`} className="mt-1 flex items-start gap-1.5 text-sm text-bad">
          <span className="mt-0.5">
            <Icon name="warning" size={16} />
          </span>
          {error}
        </p>
      )}
      {hint === undefined ? null : (
        <p id={`${id}-hint`} className="mt-1 text-sm text-muted">
          {hint}
        </p>
      )}
    </div>
  );
}

const described = (id: string, { hint, error }: FieldProps): string | undefined =>
  [error === undefined ? '' : `${id}-error`, hint === undefined ? '' : `${id}-hint`].filter(Boolean).join(' ') || undefined;

export function TextField(props: FieldProps & ComponentProps<'input'>) {
  const id = useId();
  const { label, hint, error, ...rest } = props;
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <input
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        {...rest}
        id={id}
        className="input"
        aria-invalid={error !== undefined}
        aria-describedby={described(id, props)}
      />
    </Frame>
  );
}

export function TextArea(props: FieldProps & ComponentProps<'textarea'>) {
  const id = useId();
  const { label, hint, error, ...rest } = props;
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <textarea rows={3} {...rest} id={id} className="input" aria-invalid={error !== undefined} aria-describedby={described(id, props)} />
    </Frame>
  );
}

export function SelectField(props: FieldProps & ComponentProps<'select'>) {
  const id = useId();
  const { label, hint, error, children, ...rest } = props;
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <select {...rest} id={id} className="input" aria-invalid={error !== undefined} aria-describedby={described(id, props)}>
        {children}
      </select>
    </Frame>
  );
}

/** The whole row is the target, not the box alone. */
export function CheckField({ label, hint, ...rest }: FieldProps & ComponentProps<'input'>) {
  return (
    <label className="flex min-h-11 cursor-pointer items-center gap-3">
      <input type="checkbox" {...rest} className="size-5 flex-none accent-accent" />
      <span className="min-w-0">
        {label}
        {hint === undefined ? null : <span className="block text-sm text-muted">{hint}</span>}
      </span>
    </label>
  );
}
