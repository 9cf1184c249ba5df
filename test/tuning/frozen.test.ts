import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "#core";
import { type Engine, onnxruntime } from "#engine";
import { layerGroups } from "#model";
import type { FloatTensor, Graph } from "#onnx";
import { formOf, openShelf, strategies, type TuneInput, tune } from "#tuning";
import { normalised, reference, settings, smallDigits } from "../reference.ts";

const folder = mkdtempSync(join(tmpdir(), "assay-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A part that changes nothing, but may look at inputs: so every body is run. */
const looking: TuneInput["parts"] = [() => ({})];

/** The same model and samples for all, as in a run. */
let place: Promise<Pick<TuneInput, "model" | "train" | "validation">>;

beforeAll(() => {
  place = (async () => ({
    model: normalised(await reference()),
    ...(await smallDigits()),
  }))();
});

async function trained(
  id: string,
  stated: object = {},
  more: Partial<TuneInput> = {},
) {
  const unit = strategies.find((s) => s.id === id);
  if (!unit) throw new Error(`no strategy ${id}`);
  const { model, train, validation } = await place;
  const params = unit.params.parse({});
  const form = formOf(
    { unit, params },
    model,
    layerGroups(model.graph),
    new Random(1),
  );
  return tune({
    model: form.model,
    ...{ train, validation },
    groups: form.groups,
    stages: unit.stages(form.groups, 6, params),
    settings: settings({ learningRate: 1e-2, ...stated }),
    engine: onnxruntime,
    random: new Random(2),
    ...more,
  });
}

type Result = Awaited<ReturnType<typeof trained>>;

const weightsOf = ({ model }: Result) =>
  [...model.graph.constants].filter(([, t]) => t.type === "float32") as [
    string,
    FloatTensor,
  ][];

function farthest(a: Result, b: Result): number {
  const others = new Map(weightsOf(b));
  return Math.max(
    ...weightsOf(a).map(([name, { data }]) => {
      const other = others.get(name)?.data;
      return data.reduce(
        (most, v, i) => Math.max(most, Math.abs(v - other![i]!)),
        0,
      );
    }),
  );
}

/** An engine that counts the rows that go through graphs with convolutions. */
function counting(): { engine: Engine; rows: () => number } {
  let count = 0;
  const isBody = (graph: Graph) => graph.nodes.some((n) => n.op === "Conv");
  const engine: Engine = {
    ...onnxruntime,
    async load(graph, options) {
      const session = await onnxruntime.load(graph, options);
      if (!isBody(graph)) return session;
      const [input] = graph.inputs;
      return {
        release: () => session.release(),
        run(feeds) {
          count += feeds[input!.name]?.dims[0] ?? 0;
          return session.run(feeds);
        },
      };
    },
  };
  return { engine, rows: () => count };
}

describe.each(strategies.map((s) => s.id))("%s", (id) => {
  test("trains the same weights with what its body makes kept, in memory or in a file", async () => {
    const run = await trained(id, {}, { parts: looking });
    const kept = await trained(id);
    const shelf = openShelf({ memory: 0, folder });
    const filed = await trained(id, {}, { shelf });
    shelf.release();
    expect(farthest(kept, run)).toBeLessThan(1e-5);
    expect(weightsOf(filed)).toEqual(weightsOf(kept));
    expect(filed.history).toEqual(kept.history);
    expect(readdirSync(folder)).toEqual([]);
    const accuracies = (r: Result) =>
      r.history.map((e) => e.validationAccuracy);
    expect(accuracies(kept)).toEqual(accuracies(run));
  });
});

test("a frozen body sees each sample once, whatever the epochs", async () => {
  const { train, validation } = await smallDigits();
  const once = train.y.length + validation.y.length;
  const counted = async (more: Partial<TuneInput>) => {
    const { engine, rows } = counting();
    await trained("head-only", {}, { ...more, engine });
    return rows();
  };
  expect(await counted({})).toBe(once);
  expect(await counted({ parts: looking })).toBe(6 * once);
});

describe("with views", () => {
  const augment = [{ id: "crop", padding: 1 }];

  test("learns the same from kept views as from ones that are made anew", async () => {
    const stated = { augment, views: 2 };
    const run = await trained("head-only", stated, { parts: looking });
    const kept = await trained("head-only", stated);
    expect(farthest(kept, run)).toBeLessThan(1e-5);
    // The views are those of the first passes, and no more.
    const all = await trained("head-only", { augment });
    const losses = (r: Result) => r.history.map((e) => e.trainLoss.toFixed(4));
    expect(losses(kept).slice(0, 2)).toEqual(losses(all).slice(0, 2));
    expect(losses(kept)).not.toEqual(losses(all));
  });

  test("a body sees each of them once, and without them every pass", async () => {
    const { train, validation } = await smallDigits();
    const counted = async (stated: object) => {
      const { engine, rows } = counting();
      await trained("head-only", { augment, ...stated }, { engine });
      return rows();
    };
    const [n, judged] = [train.y.length, validation.y.length];
    expect(await counted({ views: 3 })).toBe(3 * n + judged);
    expect(await counted({})).toBe(6 * (n + judged));
    // No view is seen twice.
    expect(await counted({ views: 6 })).toBe(6 * (n + judged));
  });

  test("are refused where nothing augments, and where samples are mixed", async () => {
    await expect(trained("head-only", { views: 2 })).rejects.toThrow(
      "views: 2 keeps augmented samples, and nothing augments",
    );
    await expect(
      trained("full", { views: 2, augment: ["mixup"] }),
    ).rejects.toThrow('augmentation "mixup" mixes samples');
  });
});

test("a part that may look at inputs gets them", async () => {
  const { engine, rows } = counting();
  const seen: number[][] = [];
  await trained(
    "head-only",
    {},
    {
      engine,
      parts: [
        () => ({
          prepare(batch) {
            seen.push([...batch.x.dims]);
            return batch;
          },
        }),
      ],
    },
  );
  expect(rows()).toBeGreaterThan(0);
  expect(new Set(seen.map(([, ...shape]) => shape.join()))).toEqual(
    new Set(["1,8,8"]),
  );
});

test("another training of the same samples runs no body, and says the same", async () => {
  const { engine, rows } = counting();
  const shelf = openShelf();
  const first = await trained("head-only", {}, { engine, shelf });
  const once = rows();
  const second = await trained("head-only", {}, { engine, shelf });
  expect(rows()).toBe(once);
  expect(weightsOf(second)).toEqual(weightsOf(first));
  // Other augmented views are other samples.
  const views = { augment: [{ id: "crop", padding: 1 }], views: 2 };
  await trained("head-only", views, { engine, shelf });
  expect(rows()).toBeGreaterThan(once);
  shelf.release();
});
