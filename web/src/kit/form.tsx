import type { ReactNode } from 'react';

/** Fields and the button that sends them. What is wrong with them is said by the page, in its own words, and not by the browser. */
export function Form({ onSend, children }: { onSend: () => void; children: ReactNode }) {
  return (
    <form
      className="space-y-3"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onSend();
      }}
    >
      {children}
    </form>
  );
}
