import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRun, ownHands, perform, type RunOptions, type Work } from "#audit";
import { hashOf, sha256 } from "#core";
import { type Engine, type Feeds, onnxruntime } from "#engine";
import type { Graph, Tensor } from "#onnx";

/** Suites of each kind, cut down as `--quick --samples` does. */
const SUITES = [
  "quick",
  "tabular",
  "texts",
  "detectors",
  "sanitizers",
  "poisoning",
  "inheritance",
  "language",
];
const SAMPLES = 40;

/** Where rows of a model come from. */
const parts = ["test", "validation", "train", "other"] as const;

/** Rows that were asked, and those of them that the same graph was asked before. */
interface Count {
  asked: number;
  again: number;
}

/**
 * Prints how many rows the graphs of a run are asked without a gradient, and how many
 * of them the same graph had been asked before: in one process, and where each work
 * has a process of its own. `--only` names suites.
 */
export async function repeats(only: readonly string[] = SUITES): Promise<void> {
  console.log(
    `${"suite".padEnd(12)}${"processes".padEnd(12)}${parts.map((part) => `${part} again`.padEnd(22)).join("")}`,
  );
  for (const name of only)
    for (const apart of [false, true]) {
      const { of, pairs } = await counted(`suites/${name}.yaml`, apart);
      console.log(
        `${name.padEnd(12)}${(apart ? "each work" : "one").padEnd(12)}${parts
          .map((part) => `${of[part].again} of ${of[part].asked}`.padEnd(22))
          .join("")}`,
      );
      if (process.env.ASSAY_PAIRS)
        for (const [pair, count] of [...pairs].sort((a, b) => b[1] - a[1]))
          console.log(`    ${count} ${pair}`);
    }
}

async function counted(suite: string, apart: boolean) {
  const out = mkdtempSync(join(tmpdir(), "assay-"));
  const counts = counting();
  const options: RunOptions = {
    ...{ suite, out, engine: counts.engine },
    smoke: { samples: SAMPLES, quick: true },
  };
  try {
    const run = await openRun(options);
    const { train, validation, test } = run.shop.data.target;
    counts.name("train", train.x);
    counts.name("validation", validation.x);
    counts.name("test", test.x);
    const own = ownHands();
    const hands = {
      ...own,
      async perform(work: Work) {
        counts.during(work.kind);
        if (!apart) return work.run();
        const fresh = await openRun({ ...options, isChecked: true });
        try {
          await fresh.works.get(work.id)!.run();
        } finally {
          await fresh.graph.release();
          fresh.shop.shelf?.release();
        }
      },
    };
    const { store } = run.shop;
    const failures = await perform(run.graph.works, {
      ...{ hands, store, onEvent: () => {} },
    });
    for (const { work, message } of failures)
      console.log(`${work}: ${message}`);
    await run.graph.release();
    run.shop.shelf?.release();
    return counts;
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** An engine that counts the rows that its graphs are asked without a gradient. */
function counting() {
  const of: Record<(typeof parts)[number], Count> = {
    test: { asked: 0, again: 0 },
    validation: { asked: 0, again: 0 },
    train: { asked: 0, again: 0 },
    other: { asked: 0, again: 0 },
  };
  const places = new Map<string, (typeof parts)[number]>();
  const seen = new Map<string, string>();
  const pairs = new Map<string, number>();
  let kind = "";
  const note = (graph: string, row: string, whole: string) => {
    const place = places.get(row) ?? "other";
    const key = `${graph} ${whole}`;
    const before = seen.get(key);
    of[place].asked++;
    if (before === undefined) return void seen.set(key, kind);
    of[place].again++;
    const pair = `${place}: ${before} -> ${kind}`;
    pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
  };
  const engine: Engine = {
    ...onnxruntime,
    async load(graph, options) {
      const session = await onnxruntime.load(graph, options);
      const name = nameOf(graph);
      const isForward =
        !graph.outputs.some((o) => /gradient|grad|loss/i.test(o.name)) &&
        graph.inputs.length <= 3;
      return {
        release: () => session.release(),
        run(feeds: Feeds) {
          if (isForward) {
            const [first] = graph.inputs;
            const x = feeds[first?.name ?? ""];
            const n = x?.dims[0] ?? 0;
            for (let i = 0; x && i < n; i++)
              note(
                name,
                rowHash(x, i),
                hashOf(
                  Object.entries(feeds).map(([input, value]) => [
                    input,
                    value.dims[0] === n ? rowHash(value, i) : rowHash(value),
                  ]),
                ),
              );
          }
          return session.run(feeds);
        },
      };
    },
  };
  return {
    ...{ engine, of, pairs },
    during(now: string) {
      kind = now;
    },
    name(part: (typeof parts)[number], x: Tensor) {
      const n = x.dims[0] ?? 0;
      for (let i = 0; i < n; i++) {
        const row = rowHash(x, i);
        if (!places.has(row)) places.set(row, part);
      }
    },
  };
}

/** The hash of a row as floats, or of all of a value. */
function rowHash({ data, dims }: Tensor, row?: number): string {
  const width = data.length / Math.max(1, dims[0] ?? 1);
  const part =
    row === undefined
      ? data
      : (data as Float32Array).subarray(row * width, (row + 1) * width);
  return sha256(
    new Uint8Array(Float32Array.from(part as Float32Array, Number).buffer),
  );
}

const nameOf = (graph: Graph) =>
  hashOf([
    graph.nodes.map(({ op, inputs, outputs }) => [op, inputs, outputs]),
    [...graph.constants].map(([name, { data }]) => [name, bytesOf(data)]),
    graph.outputs.map(({ name }) => name),
  ]);

const bytesOf = (data: Tensor["data"]) =>
  ArrayBuffer.isView(data)
    ? sha256(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    : hashOf(data);
