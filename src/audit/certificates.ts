import {
  AssayError,
  hashOf,
  InterruptedError,
  packageVersion,
  Random,
} from "#core";
import { compile } from "#model";
import { takeRows } from "#onnx";
import type { Bench } from "./bench.ts";
import type { OnEvent } from "./events.ts";
import type { ReadyModel } from "./models.ts";
import { evenly } from "./prepare.ts";
import type { CertificateResult, Rate } from "./results.ts";
import {
  type Certificate,
  certify,
  largestRadius,
  type Smoothing,
} from "./smoothing.ts";
import { rate } from "./statistics.ts";
import type { Suite } from "./suite.ts";
import { isNamed } from "./tasks.ts";

/** What is certified of each candidate: one result for each level of noise. */
export async function certificates(
  { certify: stated, candidates: specs }: Suite,
  models: ReadonlyMap<string, ReadyModel>,
  benchOf: (candidate: string) => Bench,
  onEvent: OnEvent,
): Promise<CertificateResult[]> {
  if (!stated) return [];
  onEvent({ kind: "phase", title: "Certifying" });
  const { sigma, samples, candidates, ...rest } = stated;
  const found: CertificateResult[] = [];
  for (const [id, ready] of models) {
    const spec = specs[id];
    if (spec && !isNamed(candidates, id, spec)) continue;
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
  const { data, seed, store, engine, onEvent, signal } = bench;
  requireClasses(ready);
  const chosen = evenly(data, most ?? data.y.length);
  const key = hashOf({
    smoothing,
    model: ready.hash,
    data: data.fingerprint,
    chosen,
    seed,
    version: packageVersion(),
    engine: engine.title,
  });
  const file = `certificates/${key}.json`;
  const known = store.read<(Certificate | null)[]>(file) ?? [];
  const started = performance.now();
  if (known.length < chosen.length) {
    const model = await compile(ready.model, engine);
    const stream = new Random(seed).fork(`certify ${smoothing.sigma}`);
    try {
      for (const sample of chosen.slice(known.length)) {
        if (signal?.aborted) throw new InterruptedError();
        const x = takeRows(data.x, [sample]);
        known.push(await certify(model, x, smoothing, stream.fork(sample)));
        // After each, so that nothing is proved twice.
        store.write(file, known);
        onEvent({
          kind: "progress",
          cell: `${ready.id}: certifying at sigma ${smoothing.sigma}`,
          share: known.length / chosen.length,
        });
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
      chosen.map((i) => data.y[i] as number),
      smoothing,
    ),
    seconds: (performance.now() - started) / 1000,
  };
}

/** Rates and curve of certificates. */
export function summary(
  found: readonly (Certificate | null)[],
  labels: readonly number[],
  smoothing: Smoothing,
): Omit<CertificateResult, keyof Smoothing | "candidate" | "seconds"> {
  const n = labels.length;
  const radii = found.map((c, i) =>
    c && c.label === labels[i] ? c.radius : null,
  );
  const within = (radius: number) => certifiedAt(radii, radius);
  return {
    outcomes: found
      .map((c, i) => (c === null ? "-" : c.label === labels[i] ? "1" : "0"))
      .join(""),
    radii,
    accuracy: within(0),
    abstained: rate(found.filter((c) => c === null).length, n),
    curve: radiiOf(smoothing).map((radius) => ({
      radius,
      certifiedAccuracy: within(radius),
    })),
  };
}

/** The share of samples whose right class is certified to at least a radius. */
export const certifiedAt = (
  radii: readonly (number | null)[],
  radius: number,
): Rate =>
  rate(radii.filter((r) => r !== null && r >= radius).length, radii.length);

/** Quarters of sigma up to the largest radius that so many draws can prove. */
function radiiOf(smoothing: Smoothing): number[] {
  const { sigma } = smoothing;
  const count = Math.floor((4 * largestRadius(smoothing)) / sigma) + 1;
  return Array.from({ length: count }, (_, k) =>
    Number(((k * sigma) / 4).toPrecision(6)),
  );
}

function requireClasses({ id, model }: ReadyModel): void {
  const kind = model.task?.kind ?? "classes";
  if (kind !== "multi-label" && kind !== "regression") return;
  throw new AssayError(
    "CERTIFY_TASK",
    `${id} is a ${kind} model; smoothing certifies classes`,
    "Remove certify from the suite, or name the candidates that classify: certify.candidates.",
  );
}
