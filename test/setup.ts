import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, vi } from "vitest";

// In CI the same cases every time, so that a change is judged by itself;
// elsewhere new ones, which find what nobody thought of.
if (process.env.CI) fc.configureGlobal({ seed: 20_260_101 });

// What is learned of this machine stays out of the user's own cache.
process.env.ASSAY_CACHE ??= join(tmpdir(), "assay-tests");

// The next file of this process finds the environment as this one found it.
afterAll(() => {
  vi.unstubAllEnvs();
});
