/** Figures come every half minute and a little: older ones are shown as old. Apart from the schemas, which a page does without. */
export const FIGURES_FRESH_MS = 75_000;
