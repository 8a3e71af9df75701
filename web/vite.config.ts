import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  build: {
    // The first browsers with light-dark(), CSS nesting and container queries: nothing is rewritten for older ones.
    target: ["chrome123", "edge123", "firefox128", "safari17.5"],
    // The content security policy allows no inline script.
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ["index.html", "graphiql.html"],
      // GraphiQL's files carry "use no memo", which means something to the React Compiler only.
      onLog: (level, log, print) => log.code !== "MODULE_LEVEL_DIRECTIVE" && print(level, log),
    },
    // Monaco, behind /graphiql only; the page's own budget is held by `npm run check-bundle`.
    chunkSizeWarningLimit: 8_000,
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.{ts,tsx}"],
    setupFiles: ["test/setup.ts"],
    // Two hundred rows in a simulated browser on a busy machine.
    testTimeout: 20_000,
    restoreMocks: true,
    unstubGlobals: true,
  },
});
