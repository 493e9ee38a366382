import { realClock } from '@drover/shared/lib/clock';
import { Fragment, useEffect, useState } from 'react';
import { t } from '../text/t.ts';
import { Icon } from './icon.tsx';

/** The clipboard API exists on HTTPS and localhost only; Drover is also reached by plain address in a home network. */
async function copyText(text: string): Promise<boolean> {
  if (navigator.clipboard !== undefined) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // not allowed just now: the old way may be
    }
  }
  const before = document.activeElement;
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'fixed opacity-0';
  // Inside an open dialog nothing outside it can be selected.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  area.select();
  const isCopied = document.execCommand('copy');
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return isCopied;
}

export function CopyButton({ text, label }: { text: string; label: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle');
  useEffect(() => (state === 'idle' ? undefined : realClock.after(2_000, () => setState('idle'))), [state]);
  const said = state === 'copied' ? t('copied') : state === 'failed' ? t('copy.failed') : label;
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={said}
      title={said}
      onClick={() => void copyText(text).then((isCopied) => setState(isCopied ? 'copied' : 'failed'))}
    >
      <Icon name={state === 'copied' ? 'check' : state === 'failed' ? 'close' : 'copy'} />
      <span aria-live="polite" className="sr-only">
        {state === 'idle' ? '' : said}
      </span>
    </button>
  );
}

/** A line to type in a terminal. Shown whole on however small a screen, broken between its words; copied, it is one line. */
export function CommandLine({ line, label }: { line: string; label: string }) {
  return (
    <div className="flex items-center rounded-sm border border-line bg-sunken">
      {/* biome-ignore lint/a11y/useSemanticElements: one line of code, not a set of fields */}
      <code role="group" aria-label={label} className="min-w-0 flex-1 py-2.5 pr-1 pl-7 -indent-4 font-mono text-sm">
        {line.split(' ').map((word, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a word is told apart by nothing but its place
          <Fragment key={index}>
            {index === 0 ? '' : ' '}
            <span className="inline-block max-w-full indent-0 [overflow-wrap:anywhere]">{word}</span>
          </Fragment>
        ))}
      </code>
      <CopyButton text={line} label={t('copy.line')} />
    </div>
  );
}
