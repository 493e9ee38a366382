/** Figures come every half minute, to other processes than the one that hears the host a minute later: older ones are shown as old. Apart from the schemas, which a page does without. */
export const FIGURES_FRESH_MS = 120_000;
