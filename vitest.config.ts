import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    // A guard against a test that hangs, never a judge of speed: more than ten times
    // what the slowest takes on a quiet machine.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    maxWorkers: "100%",
    // Each file gets a process: onnxruntime holds native state per process.
    pool: "forks",
  },
});
