import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { InferenceSession } from "onnxruntime-node";
import { afterAll, vi } from "vitest";

// In CI the same cases every time, so that a change is judged by itself;
// elsewhere new ones, which find what nobody thought of.
if (process.env.CI) fc.configureGlobal({ seed: 20_260_101 });

// What is learned of this machine stays out of the user's own cache.
process.env.ASSAY_CACHE ??= join(tmpdir(), "assay-tests");

// A second thread of onnxruntime waits for its next share by spinning. With graphs as
// small as those of tests that is two thirds of all it does, on a core that another
// test could have. The mark is there since this file is read for every file of tests.
const { create } = InferenceSession;
const isPatient = Symbol.for("assay.tests.isPatient");
if (!(isPatient in create)) {
  const patient = (
    model: Uint8Array,
    options?: InferenceSession.SessionOptions,
  ) => create.call(InferenceSession, model, patiently(options));
  InferenceSession.create = Object.assign(patient as typeof create, {
    [isPatient]: true,
  });
}

function patiently({
  extra,
  ...options
}: InferenceSession.SessionOptions = {}): InferenceSession.SessionOptions {
  const stated = extra?.session as Record<string, unknown> | undefined;
  const session = { ...stated, intra_op: { allow_spinning: "0" } };
  return { ...options, extra: { ...extra, session } };
}

// The next file of this process finds the environment as this one found it.
afterAll(() => {
  vi.unstubAllEnvs();
});
