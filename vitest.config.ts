import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./test/longest-first.ts";

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    // A guard against a test that hangs, never a judge of speed: more than ten times
    // what the slowest takes on a quiet machine. Long modes take hours on a busy one.
    testTimeout: process.env.ASSAY_LONG ? 0 : 600_000,
    hookTimeout: 600_000,
    // Processes, since onnxruntime holds native state per process, each for many files: to
    // load the modules takes longer than most files do. One more than there are cores,
    // since a fifth of the time goes by in waiting for other processes and a browser.
    maxWorkers: availableParallelism() + 1,
    pool: "forks",
    isolate: false,
    sequence: { sequencer: LongestFirst },
  },
});
