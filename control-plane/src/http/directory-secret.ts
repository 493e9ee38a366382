/** What a directory's secret is sealed for: it opens nothing in the place of another's. */
export const secretContext = (directoryId: string): string => `directory/${directoryId}`;
