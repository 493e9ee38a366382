import { Problem } from '@drover/shared/lib/problem';

export const JSON_BYTES_MAX = 2 ** 20;

/** The request's body as JSON. No body at all is an empty object, so that an action needs none. */
export async function readJson(request: Request): Promise<unknown> {
  const text = await readText(request);
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new Problem('bad-request', `the body is not JSON: ${thrown instanceof Error ? thrown.message : ''}`, { cause: thrown });
  }
}

async function readText(request: Request): Promise<string> {
  const announced = request.headers.get('content-length');
  if (Number(announced ?? 0) > JSON_BYTES_MAX) throw tooLarge();
  // The server holds a sender to the length that it announced; one that announced none is counted.
  if (announced !== null || !request.body) return request.text();
  const decoder = new TextDecoder();
  let text = '';
  let sizeBytes = 0;
  for await (const chunk of chunksOf(request.body)) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > JSON_BYTES_MAX) throw tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    // Left early: whatever still comes is not wanted, and there is nobody to tell.
    reader.cancel().catch(() => undefined);
  }
}

const tooLarge = (): Problem => new Problem('too-large', `a JSON body may have ${JSON_BYTES_MAX} bytes`);
