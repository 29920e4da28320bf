import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Everything the pages load comes from /_latchkey/static/, under names that change with the content.
export default defineConfig({
  base: "/_latchkey/static/",
  plugins: [react()],
  build: {
    outDir: process.env.LATCHKEY_WEB_OUT ?? "dist",
    emptyOutDir: true,
    assetsDir: ".",
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 900,
    reportCompressedSize: false,
    sourcemap: false,
  },
  server: { fs: { allow: ["../.."] } },
  test: { include: ["src/**/*.test.ts"], environment: "node" },
});
