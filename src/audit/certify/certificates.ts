import { hashOf, Random } from "#core";
import { compile } from "#model";
import { takeRows } from "#onnx";
import { type Bench, type BenchOf, subjectOf } from "../attacking/index.ts";
import type { Look, Workshop } from "../models/index.ts";
import type { CertificateResult } from "../results/index.ts";
import { isNamed } from "../suite/index.ts";
import { evenly } from "../tasks/index.ts";
import { madeBy, progressOf, stopwatch } from "../workplace.ts";
import { type Phase, type Work, type Yields, yields } from "../works/index.ts";
import {
  type Certificate,
  certify,
  type Smoothing,
  summary,
} from "./smoothing.ts";

/** Samples that are certified at once: enough that starting costs little. */
const TOGETHER = 8;

/** What is certified of each candidate: one result for each level of noise. */
export function certificates(
  looks: ReadonlyMap<string, Yields<Look>>,
  benchOf: BenchOf,
  { loaded: { suite } }: Workshop,
): Phase<CertificateResult[]> {
  const { certify: stated, candidates: all } = suite;
  if (!stated) return { works: [], found: () => [] };
  const { sigma, samples, candidates, ...rest } = stated;
  const levels = [...looks].flatMap(([id, look]) => {
    if (!isNamed(candidates, all[id]!)) return [];
    return [sigma].flat().map((level) => {
      const smoothing = { ...rest, sigma: level };
      return certifyAll(id, look, smoothing, benchOf(id), samples);
    });
  });
  return {
    works: levels.flatMap(({ works }) => works),
    found: () => levels.flatMap((level) => level.found() ?? []),
  };
}

function certifyAll(
  id: string,
  look: Work,
  smoothing: Smoothing,
  bench: Bench,
  most: number | undefined,
): Phase<CertificateResult | undefined> {
  const { data } = bench;
  const rows = evenly(data, most ?? data.y.length);
  const works: Yields<Proved>[] = [];
  for (let from = 0; from < rows.length; from += TOGETHER) {
    const some = rows.slice(from, from + TOGETHER);
    works.push(certifySome(id, look, smoothing, bench, some));
  }
  return {
    works,
    found() {
      const proved = works.flatMap((work) => work.found() ?? []);
      if (proved.length < works.length) return undefined;
      const labels = rows.map((row) => data.y[row]!);
      const certified = proved.flatMap((one) => one.certificates);
      return {
        candidate: id,
        ...smoothing,
        ...summary(certified, labels, smoothing),
        seconds: proved.reduce((sum, one) => sum + one.seconds, 0),
      };
    },
  };
}

/** What was proved of some samples. */
interface Proved {
  readonly certificates: (Certificate | null)[];
  readonly seconds: number;
}

function certifySome(
  id: string,
  look: Work,
  smoothing: Smoothing,
  bench: Bench,
  rows: readonly number[],
): Yields<Proved> {
  const { data, seed, store, engine } = bench;
  const subject = subjectOf(id, bench);
  const key = hashOf({
    smoothing,
    model: subject.key,
    data: data.fingerprint,
    rows,
    ...madeBy(bench),
  });
  const { sigma, n, n0 } = smoothing;
  const title = `${id} at sigma ${sigma}`;
  return yields(store, {
    id: `certificates of ${title}, samples ${rows[0]} to ${rows.at(-1)}`,
    kind: "certificate",
    record: `certificates/${key}.json`,
    needs: [...subject.made, look],
    size: rows.length * (n0 + n),
    about: [{ what: "certificate", id: title, candidate: id, sigma }],
    async compute() {
      const seconds = stopwatch();
      const { model: own } = await subject.open();
      const model = await compile(own, engine);
      const stream = new Random(seed).fork(`certify ${sigma}`);
      const progress = progressOf(bench, `certifying ${title}`);
      const found: (Certificate | null)[] = [];
      try {
        for (const row of rows) {
          const x = takeRows(data.x, [row]);
          found.push(await certify(model, x, smoothing, stream.fork(row)));
          progress(found.length / rows.length);
        }
      } finally {
        await model.release();
      }
      return { certificates: found, seconds: seconds() };
    },
  });
}
