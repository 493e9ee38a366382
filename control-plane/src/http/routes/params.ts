import * as requests from '@drover/shared/api/requests';
import { z } from 'zod';

/** A name or an id, in an address. */
export const Ref = z.string().min(1).max(64);
/** `?force=true` */
export const Flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((word) => word === 'true');

/** Where a page begins: what the page before gave as `next`, and nothing that somebody made up. */
const after = (shape: RegExp) => ({ after: z.string().max(200).regex(shape, 'not the `next` of a page').optional() });
const afterName = after(/^[^/]{1,64}\/[a-z0-9_-]{1,48}$/);
export const ListAll = requests.ListAll.extend(afterName);
export const ListHosts = requests.ListHosts.extend(afterName);
export const ListGuests = requests.ListGuests.extend(after(/^\d{1,7}$/));
export const ListTasks = requests.ListTasks.extend(after(/^\d{1,15}\/task_[a-z0-9]{1,43}$/));
