/** What the lists of the pci.ids and usb.ids projects call a device. */
export interface IdNames {
  /** Hexadecimal, four digits each. */
  device(vendor: string, device: string): string | null;
  /** Two digits each: of the class, and of the kind within it. */
  class(base: string, sub: string): string | null;
}

/** Reads pci.ids or usb.ids, of which only what is asked for is kept: vendors ("8086"), and all classes. */
export function parseIds(text: string, vendors: ReadonlySet<string>): IdNames {
  const names = new Map<string, string>();
  let top: string | null = null;
  for (const line of text.split('\n')) {
    const heading = /^(C )?([0-9a-f]{2,4}) {2}(.+)$/.exec(line);
    if (heading) {
      const key = `${heading[1] ?? ''}${heading[2]}`;
      top = heading[1] !== undefined || vendors.has(key) ? key : null;
      if (top !== null) names.set(top, heading[3] ?? '');
      continue;
    }
    // Other lists follow in usb.ids, under other letters.
    if (/^[A-Z]/.test(line)) top = null;
    const below = top === null ? null : /^\t([0-9a-f]{2,4}) {2}(.+)$/.exec(line);
    if (below) names.set(`${top}/${below[1]}`, below[2] ?? '');
  }
  return {
    device(vendor, device) {
      const maker = names.get(vendor);
      if (maker === undefined) return null;
      return `${maker} ${names.get(`${vendor}/${device}`) ?? `device ${device}`}`;
    },
    class: (base, sub) => names.get(`C ${base}/${sub}`) ?? names.get(`C ${base}`) ?? null,
  };
}
