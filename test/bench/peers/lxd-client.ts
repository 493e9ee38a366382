import { Agent, request } from 'node:http';
import { text } from 'node:stream/consumers';

interface LxdAnswer {
  readonly type: 'sync' | 'async' | 'error';
  readonly error: string;
  readonly operation: string;
  readonly metadata: { readonly status?: string; readonly err?: string };
}

/** LXD's REST API on its socket, by kept-alive connections. What it does in the background is waited for. */
export function lxdClient(socketPath: string): (method: string, path: string, body?: unknown) => Promise<LxdAnswer> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });

  async function send(method: string, path: string, body?: unknown): Promise<LxdAnswer> {
    const answer = await new Promise<string>((resolve, reject) => {
      const sent = request({ socketPath, path, method, agent }, (response) => text(response).then(resolve, reject));
      sent.on('error', reject);
      sent.end(body === undefined ? undefined : JSON.stringify(body));
    });
    return JSON.parse(answer) as LxdAnswer;
  }

  return async (method, path, body) => {
    const begun = await send(method, path, body);
    const answer = begun.type === 'async' ? await send('GET', `${begun.operation}/wait`) : begun;
    const error = answer.type === 'error' ? answer.error : answer.metadata?.err;
    if (error) throw new Error(`LXD, ${method} ${path}: ${error}`);
    return answer;
  };
}
