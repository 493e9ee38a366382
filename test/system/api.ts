import type { GuestView, ImageView, TaskLogView, TaskView } from '@drover/shared/api/views';

/** The REST API as a stranger's program would use it: plain fetch, and the event stream to wait by. */
export interface Api {
  get<T>(path: string): Promise<T>;
  send<T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<T>;
  /** The raw answer, whatever its status. */
  raw(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Response>;
  /** Looks at `path` again after each change that the event stream tells of, until it is as wanted. */
  until<T>(path: string, wanted: (value: T) => boolean): Promise<T>;
  /** Follows a task to its end; throws with its problem and log when it did not end well. */
  finish(task: TaskView): Promise<TaskView>;
  guest(name: string): Promise<GuestView>;
  guestUntil(name: string, wanted: (guest: GuestView) => boolean): Promise<GuestView>;
  /** Sends a command through POST …/{action} and follows it. */
  act(name: string, action: 'start' | 'shutdown' | 'stop' | 'reboot', body?: unknown): Promise<TaskView>;
  image(id: string): Promise<ImageView>;
}

export function createApi(url: string, token: string): Api {
  const authorization = { authorization: `Bearer ${token}` };

  async function raw(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
    return fetch(`${url}/api/v1${path}`, {
      method,
      headers: { ...authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async function parsed<T>(response: Response, what: string): Promise<T> {
    const text = await response.text();
    if (!response.ok) throw new Error(`${what}: ${response.status} ${text}`);
    return (text ? JSON.parse(text) : null) as T;
  }

  const get = async <T>(path: string): Promise<T> => parsed(await raw('GET', path), `GET ${path}`);

  async function until<T>(path: string, wanted: (value: T) => boolean): Promise<T> {
    const abort = new AbortController();
    try {
      // The stream is open before the first look, so that no change falls between the two.
      const events = await fetch(`${url}/api/v1/events`, { headers: authorization, signal: abort.signal });
      const reader = events.body?.getReader();
      if (!events.ok || !reader) throw new Error(`the event stream answered ${events.status}`);
      for (;;) {
        const value = await get<T>(path);
        if (wanted(value)) return value;
        const { done } = await reader.read();
        if (done) throw new Error(`the event stream ended while ${path} was ${JSON.stringify(value)}`);
      }
    } finally {
      abort.abort();
    }
  }

  const isFinal = (task: TaskView) => task.state === 'done' || task.state === 'failed' || task.state === 'cancelled';

  async function finish(task: TaskView): Promise<TaskView> {
    const ended = await until<TaskView>(`/tasks/${task.id}`, isFinal);
    if (ended.state === 'done') return ended;
    const log = await get<TaskLogView>(`/tasks/${task.id}/log`);
    throw new Error(
      `${ended.title}: ${ended.state}: ${ended.problem?.detail ?? 'no problem given'}\n${log.lines.map((line) => line.line).join('\n')}`,
    );
  }

  const api: Api = {
    raw,
    get,
    send: async (method, path, body, headers) => parsed(await raw(method, path, body, headers), `${method} ${path}`),
    until,
    finish,
    guest: (name) => get(`/guests/${name}`),
    guestUntil: (name, wanted) => until(`/guests/${name}`, wanted),
    async act(name, action, body = {}) {
      return finish((await api.send<{ task: TaskView }>('POST', `/guests/${name}/${action}`, body)).task);
    },
    image: (id) => get(`/images/${id}`),
  };
  return api;
}
