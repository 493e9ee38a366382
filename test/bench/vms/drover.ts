import type { ApiClient } from '../api-client.ts';
import { guestOrders } from '../guest-orders.ts';
import { VM, type VmContender } from './contender.ts';

/** Virtual machines through Drover's REST API. */
export function droverVms(api: ApiClient): VmContender {
  const orders = guestOrders(api);
  return {
    name: 'Drover',
    async define(vm) {
      await orders.create({ type: 'vm', name: vm, firmware: 'bios', ...VM });
    },
    async start(vm) {
      await orders.power(vm, 'start', 'running');
    },
    status: orders.look,
    async destroy(vm) {
      await orders.power(vm, 'stop', 'stopped');
    },
    remove: orders.remove,
  };
}
