import { fileURLToPath } from 'node:url'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

// `npm run dev` talks to a running `wharf demo` or `wharf serve`; the built application is embedded in that same binary.
const server = process.env.WHARF_URL ?? 'http://127.0.0.1:8080'

// The host stays the browser's own: the server refuses a session from a page of another origin.
const to = { target: server, changeOrigin: false }
const proxy = { '/api': to, '/docs': to }

export default defineConfig({
  plugins: [react()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { proxy },
  preview: { proxy },
  build: {
    target: 'es2022',
    sourcemap: false,
    // ECharts is one lazy chunk of known size; a warning about it would hide one about the first bundle.
    chunkSizeWarningLimit: 1400,
  },
  test: {
    environment: 'jsdom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['src/test/setup.ts'],
    restoreMocks: true,
  },
})
