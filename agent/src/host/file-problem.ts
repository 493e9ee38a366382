import { Problem } from '@drover/shared/lib/problem';

export const codeOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'code' in thrown ? String(thrown.code) : undefined;

export const isFull = (thrown: unknown): boolean => codeOf(thrown) === 'ENOSPC' || codeOf(thrown) === 'EDQUOT';

/** An error of the file system in words for people; a full disk has a code of its own. */
export function fileProblem(thrown: unknown, attempt: string): Problem {
  if (thrown instanceof Problem) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  if (isFull(thrown)) return new Problem('no-space', `${attempt}: the storage is full`, { cause: thrown, retryable: true });
  return new Problem('host-failed', `${attempt}: ${reason}`, { cause: thrown, retryable: true });
}

/** What the kernel refuses may pass, so it is told as such and tried again; anything else that is no Problem is a fault of ours. */
export async function attempting<T>(attempt: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    throw /^E[A-Z0-9]+$/.test(codeOf(thrown) ?? '') ? fileProblem(thrown, attempt) : thrown;
  }
}
