/** `npm run lab -- test --nightly`: what takes hours is done, and not only the beginning of it. */
export const isNightly = process.env.DROVER_LAB_NIGHTLY === '1';
