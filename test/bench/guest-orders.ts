import type { GuestView } from '@drover/shared/api/views';
import type { ApiClient } from './api-client.ts';

/** What is asked of Drover's API about guests: done when the API shows it, of which the event stream tells. */
export interface GuestOrders {
  create(body: { readonly name: string; readonly [field: string]: unknown }): Promise<void>;
  /** Gives the moment at which the API showed the state. */
  power(guest: string, verb: 'start' | 'stop', state: GuestView['state']): Promise<number>;
  look(guest: string): Promise<void>;
  remove(guest: string): Promise<void>;
  idOf(guest: string): string;
}

export function guestOrders(api: ApiClient): GuestOrders {
  const ids = new Map<string, string>();

  function idOf(guest: string): string {
    const id = ids.get(guest);
    if (id === undefined) throw new Error(`no guest ${guest} was made`);
    return id;
  }

  return {
    idOf,
    async create(body) {
      const { resource } = await api.call<{ resource: GuestView }>('POST', '/guests', body);
      const id = String(resource.id);
      ids.set(body.name, id);
      await api.until<GuestView>('guest', id, `/guests/${id}`, (guest) => guest.state === 'stopped' && guest.condition === 'settled');
    },
    async power(guest, verb, state) {
      const id = idOf(guest);
      await api.call('POST', `/guests/${id}/${verb}`, {});
      return api.until<GuestView>('guest', id, `/guests/${id}`, (seen) => seen.state === state);
    },
    async look(guest) {
      await api.call('GET', `/guests/${idOf(guest)}`);
    },
    async remove(guest) {
      const id = idOf(guest);
      const gone = api.untilGone('guest', id);
      await api.call('DELETE', `/guests/${id}`);
      await gone;
      ids.delete(guest);
    },
  };
}
