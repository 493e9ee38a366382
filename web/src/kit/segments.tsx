interface Choice<V extends string> {
  readonly value: V;
  readonly label: string;
}

/** One of a few, all in sight. */
export function Segments<V extends string>({
  name,
  label,
  choices,
  value,
  onChange,
}: {
  name: string;
  label: string;
  choices: readonly Choice<V>[];
  value: V;
  onChange: (value: V) => void;
}) {
  return (
    <fieldset className="flex rounded-sm border border-line bg-sunken p-0.5">
      <legend className="sr-only">{label}</legend>
      {choices.map((choice) => (
        <label
          key={choice.value}
          className="relative flex min-h-10 flex-1 cursor-pointer items-center justify-center rounded-[7px] px-4 text-[15px] font-semibold text-muted has-checked:bg-surface has-checked:text-text has-checked:shadow-[0_0_0_1px_var(--control)] has-focus-visible:outline-2 has-focus-visible:outline-accent coarse:min-h-11"
        >
          <input
            type="radio"
            className="absolute inset-0 cursor-pointer appearance-none outline-none"
            name={name}
            value={choice.value}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
          />
          {choice.label}
        </label>
      ))}
    </fieldset>
  );
}
