const PATHS = {
  guests: 'M4 5h16v10H4zM9 19h6M12 15v4',
  hosts: 'M4 4h16v7H4zM4 13h16v7H4zM8 7.5h.01M8 16.5h.01',
  activity: 'M3 12h4l3-8 4 16 3-8h4',
  plus: 'M12 5v14M5 12h14',
  play: 'M8 5l11 7-11 7z',
  power: 'M12 4v8M7.5 6.5a7.5 7.5 0 1 0 9 0',
  restart: 'M4 12a8 8 0 1 0 2.6-5.9M4 4v4.5h4.5',
  stop: 'M6.5 6.5h11v11h-11z',
  trash: 'M5 7h14M10 7V4.5h4V7M7 7l1 13h8l1-13',
  edit: 'M5 19l1-4L16 5l3 3L9 18zM14 7l3 3',
  copy: 'M9 9h11v11H9zM5 15H4V4h11v1',
  check: 'M5 13l4 4L19 7',
  close: 'M6 6l12 12M18 6L6 18',
  back: 'M15 5l-7 7 7 7',
  next: 'M9 5l7 7-7 7',
  search: 'M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5L20 20',
  person: 'M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 20c1.2-3.6 4-5 7.5-5s6.3 1.4 7.5 5',
  warning: 'M12 4l9 16H3zM12 10v4M12 17h.01',
  cloudOff: 'M7 18a4.5 4.5 0 0 1-.6-8.900M10 6.200A6 6 0 0 1 18 10.5 4 4 0 0 1 19.5 17M4 4l16 16',
  disc: 'M12 3.500a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
  container: 'M12 3l8 4.500v9L12 21l-8-4.500v-9zM4 7.500l8 4.5 8-4.500M12 12v9',
  vm: 'M5 5h14v14H5zM9 9h6v6H9zM9 2v3M15 2v3M9 19v3M15 19v3M2 9h3M2 15h3M19 9h3M19 15h3',
} as const;

export type IconName = keyof typeof PATHS;

/** Decoration: what it means stands beside it in words, or in the label of its button. */
export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
  return (
    <svg
      aria-hidden="true"
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.75}
      strokeLinecap="round"
      strokeLinejoin="round"
      className="flex-none"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
