import { hashOf, Random } from "#core";
import { compile } from "#model";
import { takeRows } from "#onnx";
import type { Attacking, Bench } from "../attacking/index.ts";
import type { ReadyModel, Workshop } from "../models/index.ts";
import type { CertificateResult } from "../results/index.ts";
import { isNamed } from "../suite/index.ts";
import { evenly } from "../tasks/index.ts";
import { madeBy, progressOf, stopwatch } from "../work.ts";
import {
  type Certificate,
  certify,
  type Smoothing,
  summary,
} from "./smoothing.ts";

/** What is certified of each candidate: one result for each level of noise. */
export async function certificates(
  { models, benchOf }: Attacking,
  { loaded: { suite }, onEvent }: Workshop,
): Promise<CertificateResult[]> {
  const { certify: stated, candidates: all } = suite;
  if (!stated) return [];
  onEvent({ kind: "phase", title: "Certifying" });
  const { sigma, samples, candidates, ...rest } = stated;
  const found: CertificateResult[] = [];
  for (const [id, ready] of models) {
    if (!isNamed(candidates, all[id]!)) continue;
    for (const level of [sigma].flat())
      found.push(
        await certifyAll(
          ready,
          { ...rest, sigma: level },
          benchOf(id),
          samples,
        ),
      );
  }
  return found;
}

async function certifyAll(
  ready: ReadyModel,
  smoothing: Smoothing,
  bench: Bench,
  most: number | undefined,
): Promise<CertificateResult> {
  const { data, seed, store, engine } = bench;
  const chosen = evenly(data, most ?? data.y.length);
  const key = hashOf({
    smoothing,
    model: ready.hash,
    data: data.fingerprint,
    chosen,
    ...madeBy(bench),
  });
  const file = `certificates/${key}.json`;
  const known = store.read<(Certificate | null)[]>(file) ?? [];
  const seconds = stopwatch();
  if (known.length < chosen.length) {
    const model = await compile(ready.model, engine);
    const stream = new Random(seed).fork(`certify ${smoothing.sigma}`);
    const progress = progressOf(
      bench,
      `${ready.id}: certifying at sigma ${smoothing.sigma}`,
    );
    try {
      for (const sample of chosen.slice(known.length)) {
        const x = takeRows(data.x, [sample]);
        known.push(await certify(model, x, smoothing, stream.fork(sample)));
        // After each, so that nothing is proved twice.
        store.write(file, known);
        progress(known.length / chosen.length);
      }
    } finally {
      await model.release();
    }
  }
  return {
    candidate: ready.id,
    ...smoothing,
    ...summary(
      known,
      chosen.map((i) => data.y[i]!),
      smoothing,
    ),
    seconds: seconds(),
  };
}
