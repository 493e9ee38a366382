/** A number when the host has one, a quiet moving bar when it has none: never an invented percentage. */
export function Progress({ value, label }: { value: number | null; label: string }) {
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(value === null ? {} : { 'aria-valuenow': Math.floor(value * 100) })}
      className="h-1.5 w-full overflow-hidden rounded-full bg-line"
    >
      {value === null ? (
        <div className="h-full w-1/3 animate-sweep rounded-full bg-busy motion-reduce:mx-auto" />
      ) : (
        <div
          className="h-full origin-left rounded-full bg-busy transition-transform duration-150"
          style={{ transform: `scaleX(${value})` }}
        />
      )}
    </div>
  );
}

/** How much of something is in use. */
export function Meter({ used, label }: { used: number; label: string }) {
  const tone = used >= 0.95 ? 'bg-bad' : used >= 0.85 ? 'bg-warn' : 'bg-accent';
  return (
    // biome-ignore lint/a11y/useSemanticElements: the element cannot be given these looks in every browser
    <div
      role="meter"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(used * 100)}
      className="h-1.5 overflow-hidden rounded-full bg-line"
    >
      <div className={`h-full origin-left ${tone}`} style={{ transform: `scaleX(${Math.min(1, used)})` }} />
    </div>
  );
}
