import type { HardwareView } from '@drover/shared/api/host-views';
import type { HostView } from '@drover/shared/api/views';
import type { DiskHealth, HostDisk, HostNic } from '@drover/shared/model/hardware';
import { type ReactNode, useState } from 'react';
import { call, problemOf } from '../api.ts';
import { bytes, number, percent } from '../format.ts';
import { Glyph, type Tone } from '../kit/glyph.tsx';
import { Skeleton } from '../kit/skeleton.tsx';
import { useRead } from '../queries.ts';
import { type PlainKey, t } from '../text/t.ts';
import { Failed } from './failed.tsx';

/** What the host is made of: long lists, each closed until somebody wants it, and fetched with the first. */
export function HostHardware({ host }: { host: HostView }) {
  const [isWanted, setWanted] = useState(false);
  const read = useRead({
    queryKey: ['hardware', host.id],
    queryFn: () => call<HardwareView>('GET', `/hosts/${host.id}/hardware`),
    staleTime: 60_000,
    enabled: isWanted,
  });
  const list = (title: PlainKey, rows: (hardware: HardwareView) => readonly ReactNode[]) => (
    <Fold key={title} title={t(title)} onOpen={() => setWanted(true)}>
      {read.data ? (
        <Rows rows={read.data.isKnown ? rows(read.data) : []} isKnown={read.data.isKnown} isCut={read.data.cut.length > 0} />
      ) : read.isError ? (
        <Failed problem={problemOf(read.error)} onAgain={() => void read.refetch()} />
      ) : (
        <Skeleton rows={2} />
      )}
    </Fold>
  );
  return (
    <div>
      {list('hardware.disks', ({ disks }) => disks.map((disk) => <DiskRow key={disk.name} disk={disk} />))}
      {list('hardware.nics', ({ nics }) => nics.map((nic) => <NicRow key={nic.name} nic={nic} />))}
      {list('hardware.pci', ({ pci }) =>
        pci.map((device) => (
          <Row
            key={device.slot}
            name={device.name ?? device.ids}
            about={[device.slot, device.class, device.driver, group(device.iommuGroup)]}
          />
        )),
      )}
      {list('hardware.usb', ({ usb }) =>
        usb.map((device) => <Row key={device.port} name={device.name ?? device.ids} about={[device.port, device.ids, device.serial]} />),
      )}
      {list('hardware.numa', ({ numa }) =>
        numa.map(({ node, cpus, memoryBytes }) => (
          <Row key={node} name={t('hardware.node', { node })} about={[t('hardware.cpus', { cpus }), bytes(memoryBytes)]} />
        )),
      )}
      {list('hardware.flags', ({ processorFlags }) => [
        <p key="flags" className="px-4 py-3 font-mono text-[13px] break-words">
          {processorFlags.join(' ')}
        </p>,
      ])}
      <Fold title={t('hardware.packages')}>
        <Rows
          rows={host.packages.map(({ name, version }) => <Row key={name} name={name} about={[version]} />)}
          isKnown={host.packages.length > 0}
          isCut={false}
        />
      </Fold>
    </div>
  );
}

function Fold({ title, onOpen = () => {}, children }: { title: string; onOpen?: () => void; children: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details
      className="border-t border-line"
      onToggle={(event) => {
        setOpen(event.currentTarget.open);
        if (event.currentTarget.open) onOpen();
      }}
    >
      <summary className="min-h-12 cursor-pointer px-4 py-3 font-semibold">{title}</summary>
      {isOpen ? children : null}
    </details>
  );
}

function Rows({ rows, isKnown, isCut }: { rows: readonly ReactNode[]; isKnown: boolean; isCut: boolean }) {
  if (rows.length === 0) return <p className="px-4 pb-3 text-muted">{t(isKnown ? 'none' : 'hardware.unknown')}</p>;
  return (
    <>
      <div className="divide-y divide-line">{rows}</div>
      {isCut ? <p className="px-4 py-3 text-sm text-muted">{t('hardware.cut')}</p> : null}
    </>
  );
}

function Row({ name, about, children }: { name: string; about: readonly (string | undefined | null)[]; children?: ReactNode }) {
  return (
    <div className="px-4 py-2">
      <p className="break-words">{name}</p>
      <p className="text-sm break-words text-muted">{about.filter(Boolean).join(' · ')}</p>
      {children}
    </div>
  );
}

const group = (iommuGroup: number | undefined): string | null =>
  iommuGroup === undefined ? null : t('hardware.iommu', { group: iommuGroup });

const HEALTH_TONES: Readonly<Record<DiskHealth['state'], Tone>> = { good: 'ok', failing: 'bad', unknown: 'unknown' };

function DiskRow({ disk }: { disk: HostDisk }) {
  const { health, rotational } = disk;
  const kind = rotational === undefined ? null : t(rotational ? 'hardware.hdd' : 'hardware.ssd');
  const worn = health.worn === undefined ? null : t('hardware.worn', { percent: percent(health.worn) });
  const hours = health.poweredOnHours === undefined ? null : t('hardware.hours', { hours: number(health.poweredOnHours) });
  return (
    <Row
      name={`${disk.name} · ${bytes(disk.sizeBytes)}`}
      about={[kind, disk.transport, disk.model, disk.serial, disk.usedBy.length === 0 ? t('hardware.unused') : disk.usedBy.join(', ')]}
    >
      <p className="mt-1 flex items-start gap-2 text-sm">
        <span className="mt-0.5">
          <Glyph tone={HEALTH_TONES[health.state]} size={14} />
        </span>
        <span className="min-w-0 break-words">{[t(`health.${health.state}`), health.detail, worn, hours].filter(Boolean).join(' · ')}</span>
      </p>
    </Row>
  );
}

function NicRow({ nic }: { nic: HostNic }) {
  const link = nic.link === undefined ? null : t(nic.link ? 'hardware.link.up' : 'hardware.link.down');
  const speed = nic.speedMbps === undefined ? null : t('hardware.speed', { speed: number(nic.speedMbps) });
  const part = nic.master === undefined ? null : t('hardware.part-of', { name: nic.master });
  return <Row name={`${nic.name} · ${t(`nic.${nic.kind}`)}`} about={[link, speed, part, nic.mac, nic.driver]} />;
}
