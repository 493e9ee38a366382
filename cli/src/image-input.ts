import { basename } from 'node:path';
import type { CreateImage, UploadImage } from '@drover/shared/api/requests';
import { type ImageForm, ImageFormat, Sha256 } from '@drover/shared/model/image';
import { CliError } from './error.ts';

/** Which kinds of guest an image is for. */
export interface FormOptions {
  readonly container?: boolean;
  readonly vm?: boolean;
  readonly iso?: boolean;
}

export interface BuildOptions extends FormOptions {
  readonly suite?: string;
  readonly package?: readonly string[];
  readonly host?: string;
}

export interface FetchOptions extends FormOptions {
  readonly url?: string;
  readonly format?: string;
  readonly sha256?: string;
  readonly sums?: string;
  readonly host?: string;
}

export interface UploadOptions extends FormOptions {
  readonly name?: string;
  readonly format?: string;
  readonly sha256?: string;
  readonly host?: string;
}

const SUITES = ['bookworm', 'trixie'] as const;

/** One request for each form: without a choice, for containers and for VMs. */
export function buildRequests(name: string, options: BuildOptions): CreateImage[] {
  if (options.iso) throw new CliError('usage', '--iso: an ISO image is fetched or uploaded, not built');
  const suite = options.suite === undefined ? undefined : SUITES.find((known) => known === options.suite);
  if (options.suite !== undefined && suite === undefined) {
    throw new CliError('usage', `--suite: "${options.suite}" is not a Debian release that can be built`, {
      suggestion: SUITES.join(' or '),
    });
  }
  if (suite === undefined && options.package)
    throw new CliError('usage', '--package needs --suite', { suggestion: 'such as --suite trixie' });
  const source = suite === undefined ? undefined : { do: 'build' as const, suite, packages: [...(options.package ?? [])] };
  return formsOf(options, ['container', 'vm']).map((form) => ({ name, form, host: options.host, source }));
}

export function fetchRequests(name: string, options: FetchOptions): CreateImage[] {
  if (options.url === undefined) {
    const stray = Object.entries({ '--format': options.format, '--sha256': options.sha256, '--sums': options.sums }).find(
      ([, value]) => value !== undefined,
    );
    if (stray) throw new CliError('usage', `${stray[0]} needs --url`);
    return formsOf(options, ['container', 'vm']).map((form) => ({ name, form, host: options.host }));
  }
  if ((options.sha256 === undefined) === (options.sums === undefined)) {
    throw new CliError('usage', 'say how to check what comes: --sha256 or --sums', {
      suggestion: '--sums takes the address of the publisher’s SHA256SUMS or SHA512SUMS',
    });
  }
  const format = formatOf(options.format, options.url, '--url');
  const checksum = options.sha256 === undefined ? { sumsUrl: options.sums ?? '' } : { sha256: sha256Of(options.sha256) };
  return [{ name, form: formOf(options, format), host: options.host, source: { do: 'download', url: options.url, format, checksum } }];
}

export function uploadRequest(path: string, options: UploadOptions): UploadImage {
  const format = formatOf(options.format, path, 'the file');
  const stem = basename(path).replace(/\.(qcow2|raw|img|iso|tgz|tar(\.(gz|xz|zst))?)$/i, '');
  const name =
    options.name ??
    stem
      .toLowerCase()
      .replaceAll(/[^a-z0-9.-]+/g, '-')
      .replaceAll(/^[.-]+|[.-]+$/g, '');
  return {
    name,
    form: formOf(options, format),
    format,
    host: options.host,
    sha256: options.sha256 === undefined ? undefined : sha256Of(options.sha256),
  };
}

function formsOf(options: FormOptions, otherwise: readonly ImageForm[]): readonly ImageForm[] {
  const forms = [options.container && 'container', options.vm && 'vm', options.iso && 'iso'] as const;
  const chosen = forms.filter((form): form is ImageForm => typeof form === 'string');
  return chosen.length > 0 ? chosen : otherwise;
}

/** The form that was asked for, else the one that the format is usual for. */
function formOf(options: FormOptions, format: ImageFormat): ImageForm {
  const chosen = formsOf(options, []);
  if (chosen.length > 1) throw new CliError('usage', 'choose one of --container, --vm and --iso');
  return chosen[0] ?? (format === 'iso' ? 'iso' : format.startsWith('tar') ? 'container' : 'vm');
}

function formatOf(wanted: string | undefined, path: string, what: string): ImageFormat {
  const ending = /\.(qcow2|raw|iso|tgz|tar(?:\.(?:gz|xz|zst))?)$/i.exec(path.replace(/[?#].*$/, ''))?.[1]?.toLowerCase();
  const parsed = ImageFormat.safeParse(wanted ?? (ending === 'tgz' ? 'tar.gz' : ending));
  if (parsed.success) return parsed.data;
  const known = ImageFormat.options.join(', ');
  if (wanted !== undefined) throw new CliError('usage', `--format: "${wanted}" is not one of ${known}`);
  throw new CliError('usage', `--format is missing: the name of ${what} does not tell its format`, { suggestion: `one of ${known}` });
}

function sha256Of(text: string): string {
  const parsed = Sha256.safeParse(text.toLowerCase());
  if (parsed.success) return parsed.data;
  throw new CliError('usage', `--sha256: "${text}" is not a SHA-256 checksum`, { suggestion: '64 hex digits' });
}
