import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { live } from './live/use.ts';
import { router } from './router.tsx';

addEventListener('online', () => live.wake());
addEventListener('pageshow', () => live.wake());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') live.wake();
});

const root = document.getElementById('root');
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <RouterProvider router={router} />
    </StrictMode>,
  );
}
