import { realClock } from '@drover/shared/lib/clock';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { fetchTheRest } from './later.ts';
import { live } from './live/use.ts';
import { router } from './router.tsx';

addEventListener('online', () => live.wake());
addEventListener('pageshow', () => live.wake());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') live.wake();
});

/** By then what was asked for is on the screen. */
const REST_AFTER_MS = 2_000;
realClock.after(REST_AFTER_MS, fetchTheRest);

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <RouterProvider router={router} />
    </StrictMode>,
  );
}
