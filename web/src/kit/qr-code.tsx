import { encode } from 'uqr';

/** Dark squares on a white ground, also where the page is dark: cameras want it so. `label`: what it says, for who does not see it. */
export function QrCode({ text, label }: { text: string; label: string }) {
  const { data, size } = encode(text, { ecc: 'L', border: 4 });
  const squares = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : []))).join('');
  return (
    <svg
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={label}
      className="mx-auto block w-56 rounded-sm bg-white"
      shapeRendering="crispEdges"
    >
      <path d={squares} fill="black" />
    </svg>
  );
}
