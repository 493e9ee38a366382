import { z } from 'zod';
import { ImageName, StorageId } from './id.ts';

/** container: a root file system. vm: a bootable disk. iso: a CD. */
export const ImageForm = z.enum(['container', 'vm', 'iso']);
export type ImageForm = z.infer<typeof ImageForm>;

export const ImageFormat = z.enum(['qcow2', 'raw', 'iso', 'tar', 'tar.gz', 'tar.xz', 'tar.zst']);
export type ImageFormat = z.infer<typeof ImageFormat>;

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'a SHA-256 checksum: 64 hex digits');

/** Where an image comes from: made on the host from a Debian mirror, fetched from its publisher, or sent in by somebody. */
export const ImageSource = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('build'),
    suite: z.enum(['bookworm', 'trixie']),
    packages: z.array(z.string().regex(/^[a-z0-9][a-z0-9+.-]{1,60}$/)).max(64),
  }),
  z.strictObject({
    do: z.literal('download'),
    url: z.url({ protocol: /^https?$/ }),
    format: ImageFormat,
    /** Either the checksum itself, or the address of the publisher's list of checksums (SHA256SUMS or SHA512SUMS form). */
    checksum: z.union([z.strictObject({ sha256: Sha256 }), z.strictObject({ sumsUrl: z.url({ protocol: /^https?$/ }) })]),
  }),
  z.strictObject({
    do: z.literal('upload'),
    uploadId: z.string().regex(/^[a-z0-9]{20}$/),
    sizeBytes: z.number().int().min(1),
    format: ImageFormat,
    sha256: Sha256,
  }),
]);
export type ImageSource = z.infer<typeof ImageSource>;

/** An image lives on one storage of one host; its name and form are unique there. */
export const ImageSpec = z.strictObject({ name: ImageName, form: ImageForm, storageId: StorageId, source: ImageSource });
export type ImageSpec = z.infer<typeof ImageSpec>;

export const ImageStatus = z.object({
  ready: z.boolean().default(false),
  /** Bytes on the host's disk. */
  sizeBytes: z.number().int().nullable().default(null),
  /** The least disk that a VM made from it needs. */
  virtualSizeBytes: z.number().int().nullable().default(null),
  madeAtMs: z.number().int().nullable().default(null),
});
export type ImageStatus = z.infer<typeof ImageStatus>;

/** What can be asked for by name alone. A form without an entry is not to be had. */
export interface CatalogueEntry {
  readonly name: string;
  readonly title: string;
  readonly forms: Partial<Record<'container' | 'vm', ImageSource>>;
}

const cloud = (url: string, sumsUrl: string, format: ImageFormat): ImageSource => ({ do: 'download', url, format, checksum: { sumsUrl } });

export const CATALOGUE: readonly CatalogueEntry[] = [
  {
    name: 'debian-13',
    title: 'Debian 13 (trixie)',
    forms: { container: { do: 'build', suite: 'trixie', packages: [] }, vm: { do: 'build', suite: 'trixie', packages: [] } },
  },
  {
    name: 'debian-12',
    title: 'Debian 12 (bookworm)',
    forms: { container: { do: 'build', suite: 'bookworm', packages: [] }, vm: { do: 'build', suite: 'bookworm', packages: [] } },
  },
  {
    name: 'debian-13-cloud',
    title: 'Debian 13, official cloud image',
    forms: {
      vm: cloud(
        'https://cloud.debian.org/images/cloud/trixie/latest/debian-13-genericcloud-amd64.qcow2',
        'https://cloud.debian.org/images/cloud/trixie/latest/SHA512SUMS',
        'qcow2',
      ),
    },
  },
  {
    name: 'ubuntu-24.04',
    title: 'Ubuntu 24.04 LTS',
    forms: {
      container: cloud(
        'https://cloud-images.ubuntu.com/releases/noble/release/ubuntu-24.04-server-cloudimg-amd64-root.tar.xz',
        'https://cloud-images.ubuntu.com/releases/noble/release/SHA256SUMS',
        'tar.xz',
      ),
      vm: cloud(
        'https://cloud-images.ubuntu.com/releases/noble/release/ubuntu-24.04-server-cloudimg-amd64.img',
        'https://cloud-images.ubuntu.com/releases/noble/release/SHA256SUMS',
        'qcow2',
      ),
    },
  },
  {
    name: 'alpine-3.22',
    title: 'Alpine Linux 3.22',
    forms: {
      container: cloud(
        'https://dl-cdn.alpinelinux.org/alpine/v3.22/releases/x86_64/alpine-minirootfs-3.22.0-x86_64.tar.gz',
        'https://dl-cdn.alpinelinux.org/alpine/v3.22/releases/x86_64/alpine-minirootfs-3.22.0-x86_64.tar.gz.sha256',
        'tar.gz',
      ),
      vm: cloud(
        'https://dl-cdn.alpinelinux.org/alpine/v3.22/releases/cloud/nocloud_alpine-3.22.0-x86_64-uefi-cloudinit-r0.qcow2',
        'https://dl-cdn.alpinelinux.org/alpine/v3.22/releases/cloud/nocloud_alpine-3.22.0-x86_64-uefi-cloudinit-r0.qcow2.sha512',
        'qcow2',
      ),
    },
  },
  {
    name: 'rocky-9',
    title: 'Rocky Linux 9',
    // Its container images are made to run one program: they have no init, or no client for DHCP.
    forms: {
      vm: cloud(
        'https://dl.rockylinux.org/pub/rocky/9/images/x86_64/Rocky-9-GenericCloud-Base.latest.x86_64.qcow2',
        'https://dl.rockylinux.org/pub/rocky/9/images/x86_64/Rocky-9-GenericCloud-Base.latest.x86_64.qcow2.CHECKSUM',
        'qcow2',
      ),
    },
  },
];

/** The catalogue's source for a name and form, or null. */
export function catalogueSource(name: string, form: ImageForm): ImageSource | null {
  if (form === 'iso') return null;
  return CATALOGUE.find((entry) => entry.name === name)?.forms[form] ?? null;
}
