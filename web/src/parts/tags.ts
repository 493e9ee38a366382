/** Tags as typed, with spaces or commas between them. */
export const tagsOf = (text: string): string[] => [...new Set(text.split(/[\s,]+/).filter(Boolean))];
