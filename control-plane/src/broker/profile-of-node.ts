import type { Random } from '@drover/shared/lib/random';
import type { Cell } from '../db/cell-store.ts';
import type { BrokerKeys } from './broker-keys.ts';
import { certificateAuthority } from './certificates.ts';
import { jwtProfile } from './jwt.ts';
import { mosquittoProfile } from './mosquitto.ts';
import { natsProfile } from './nats.ts';
import { natsPush } from './nats-push-node.ts';
import { type Profile, withOwnCertificate } from './profile.ts';

/** How the cell's broker knows who is who. */
export async function profileOf(cell: Cell, keys: BrokerKeys, now: () => number, random: Random): Promise<Profile> {
  const authority = await certificateAuthority(keys);
  const ports = { cell: cell.name, now, text: random.text };
  const { adminUrl, urls, serverCertificate } = cell;
  const push = natsPush(() => adminUrl, serverCertificate === 'fleet' ? authority.certificate : null);
  const profile =
    cell.profile === 'mosquitto'
      ? mosquittoProfile(ports, authority)
      : cell.profile === 'nats'
        ? await natsProfile({ ...ports, push }, keys)
        : jwtProfile(ports, keys);
  return serverCertificate === 'fleet' ? withOwnCertificate(profile, authority, urls, now) : profile;
}
