import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';
import { budget } from './budget.ts';

const controlPlane = `http://localhost:${process.env.DROVER_PORT ?? '8420'}`;

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  plugins: [react(), tailwindcss(), budget()],
  server: {
    port: 5173,
    proxy: {
      '/api': controlPlane,
      '/agent': controlPlane,
      '/relay': { target: controlPlane, ws: true },
      '/mqtt': { target: controlPlane, ws: true },
    },
  },
  // The polyfill would be an inline script, which the page's content security policy forbids.
  build: {
    sourcemap: true,
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
