import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { compile, evaluate, residualOf } from "#model";
import type { FloatTensor } from "#onnx";
import { rowsOf } from "../../attacks/language/language.ts";
import { refusalLogOdds } from "../../attacks/language/log-odds.ts";
import {
  candidatesOf,
  sidesOf,
} from "../../attacks/language/mean-difference.ts";
import {
  openSteered,
  type Steering,
  withoutDirection,
} from "../../attacks/language/steering.ts";
import { all, held, parts, released, tried } from "./aligned.ts";
import {
  languageModels,
  openLanguageModel,
  readLanguageModel,
} from "./exported.ts";

const drawn = (width: number, seed: string) => {
  const direction = new Float32Array(width);
  new Random(seed).normals(direction);
  const length = Math.hypot(...direction);
  return direction.map((v) => v / length);
};

describe.each(languageModels)("%s", (name) => {
  test("attention and perceptron of each block add to the stream", async () => {
    const model = await openLanguageModel(readLanguageModel(name));
    const { blocks, writes, width } = residualOf(model);
    expect([blocks.length, writes.length, width]).toEqual([2, 4, 16]);
    const x = readLanguageModel(name).ids;
    // The stream before the second block is that before the first and what it wrote.
    const [first, attention, perceptron, second] = (await evaluate(
      model,
      onnxruntime,
      x,
      () => [blocks[0]!, writes[0]!, writes[1]!, blocks[1]!],
    )) as [FloatTensor, FloatTensor, FloatTensor, FloatTensor];
    second.data.forEach((v, i) => {
      const sum = first.data[i]! + attention.data[i]! + perceptron.data[i]!;
      expect(v).toBeCloseTo(sum, 5);
    });
  });

  test("what is taken out of the stream is nowhere in it", async () => {
    const model = await openLanguageModel(readLanguageModel(name));
    const stream = residualOf(model);
    const r = drawn(stream.width, name);
    const without = withoutDirection(model, stream, r);
    const values = await evaluate(
      without,
      onnxruntime,
      readLanguageModel(name).ids,
      () => stream.blocks,
    );
    for (const { data } of values.slice(1))
      for (let at = 0; at < data.length; at += stream.width) {
        const along = r.reduce((sum, v, k) => sum + v * data[at + k]!, 0);
        expect(Math.abs(along)).toBeLessThan(1e-5);
      }
  });
});

test("without attention there is no stream, and one line says so", () => {
  const { nodes } = released.graph;
  const [block] = residualOf(released).blocks;
  const cut = nodes.filter(({ outputs }) => !outputs.includes(block!));
  expect(() =>
    residualOf({ ...released, graph: { ...released.graph, nodes: cut } }),
  ).toThrow(/no residual stream is found/);
});

test("a direction folded out of the weights does the same as in the graph", async () => {
  const stream = residualOf(released);
  const r = drawn(stream.width, "folded");
  const constants = new Map(released.graph.constants);
  for (const [name, tensor] of constants) {
    const writes = /^(tokens|places)\.|(attention|mlp)\.out\./.test(name);
    if (!writes || tensor.type !== "float32") continue;
    const data = (tensor.data as Float32Array).slice();
    for (let at = 0; at < data.length; at += r.length) {
      const along = r.reduce((sum, v, k) => sum + v * data[at + k]!, 0);
      r.forEach((v, k) => {
        data[at + k] = data[at + k]! - along * v;
      });
    }
    constants.set(name, { ...(tensor as FloatTensor), data });
  }
  const models = [
    { ...released, graph: { ...released.graph, constants } },
    withoutDirection(released, stream, r),
  ];
  const { x } = parts.test;
  const [folded, inGraph] = await Promise.all(
    models.map(async (model) => {
      const compiled = await compile(model, onnxruntime);
      const { data } = await compiled.logits(x as FloatTensor);
      await compiled.release();
      return data;
    }),
  );
  for (let i = 0; i < folded!.length; i += 97)
    expect(inGraph![i]).toBeCloseTo(folded![i]!, 3);
});

/** Of some prompts, restricted and allowed. */
const said = [...held.restricted.slice(0, 3), ...held.allowed.slice(0, 3)].map(
  ({ prompt, wanted }) => ({ prompt, answer: wanted }),
);

const input = {
  model: released,
  base: null,
  data: parts.validation,
  engine: onnxruntime,
  params: {},
  random: new Random(1),
};

test("the gradient of a direction is that of differences", async () => {
  const stream = residualOf(released);
  const steered = await openSteered(stream, input);
  const direction = drawn(stream.width, "slope");
  const tokens = all.classes.length;
  const how: Steering = {
    said,
    direction,
    removed: said.map((_, i) => i % 2 === 0),
    added: { block: 1, by: said.map((_, i) => (i % 2 === 0 ? 0 : 0.5)) },
  };
  const wanted = said.flatMap(({ answer }) =>
    answer.map((token) => {
      const row = new Float32Array(tokens);
      row[token] = 1 / said.length;
      return row;
    }),
  );
  const { gradient, loss } = await steered.slope(how, wanted);
  const logs = await steered.ask(how);
  const told = logs.reduce(
    (sum, row, i) => sum - row.reduce((s, v, k) => s + v * wanted[i]![k]!, 0),
    0,
  );
  expect(loss).toBeCloseTo(told, 3);
  const h = 3e-3 / Math.hypot(...gradient);
  const at = async (sign: number) => {
    const moved = direction.map((v, k) => v + sign * h * gradient[k]!);
    return (await steered.slope({ ...how, direction: moved }, wanted)).loss;
  };
  const slope = ((await at(1)) - (await at(-1))) / (2 * h);
  await steered.release();
  const square = gradient.reduce((sum, v) => sum + v * v, 0);
  expect(Math.abs(slope / square - 1)).toBeLessThan(0.02);
});

test("a direction that is steered in a session is the one in the graph", async () => {
  const stream = residualOf(released);
  const r = drawn(stream.width, "asked");
  const steered = await openSteered(stream, input);
  const asked = async (removed: boolean) => {
    const how = { said, direction: r, removed: said.map(() => removed) };
    const logs = await steered.ask(how);
    return said
      .flatMap(({ answer }) => answer)
      .map((token, i) => logs[i]![token]!);
  };
  const { x, targets } = rowsOf(parts.validation, said);
  const fixed = async (model: typeof released) => {
    const compiled = await compile(model, onnxruntime);
    const { logs } = await compiled.nextTokens(
      x as FloatTensor,
      targets as FloatTensor,
    );
    await compiled.release();
    return [...logs];
  };
  const [plain, without] = [await asked(false), await asked(true)];
  const near = (a: readonly number[], b: readonly number[]) =>
    Math.max(...a.map((v, i) => Math.abs(v - b[i]!)));
  expect(near(plain, await fixed(released))).toBeLessThan(1e-3);
  const inGraph = await fixed(withoutDirection(released, stream, r));
  expect(near(without, inGraph)).toBeLessThan(1e-3);
  expect(near(without, plain)).toBeGreaterThan(0.01);
  await steered.release();
});

test("differences of means are those of the stream", async () => {
  const stream = residualOf(released);
  const steered = await openSteered(stream, input);
  const sides = sidesOf(input, 10, new Random(1));
  const found = await candidatesOf(stream, steered, sides, input);
  await steered.release();
  // One token behind what the user says, and the last of that, at three blocks.
  expect(found.map(({ block, back }) => [block, back])).toEqual(
    [0, 1, 2]
      .flatMap((block) => [0, 1].map((back) => [block, back]))
      .filter(
        // The token of the template is the same in all prompts before any block.
        ([block, back]) => block! > 0 || back! > 0,
      ),
  );
  for (const { direction } of found)
    expect(Math.hypot(...direction)).toBeCloseTo(1, 5);
});

test("log-odds are those of the shares", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0.01, max: 1, noNaN: true }), {
        minLength: 4,
        maxLength: 20,
      }),
      (weights) => {
        const total = weights.reduce((sum, w) => sum + w, 0);
        const logs = Float32Array.from(weights, (w) => Math.log(w / total));
        const p = (weights[0]! + weights[2]!) / total;
        const odds = refusalLogOdds(logs, [[0, 1], [2], [0]]);
        expect(odds).toBeCloseTo(Math.log(p / (1 - p)), 4);
      },
    ),
  );
});

test("without the learned direction the model answers, and without others it refuses", async () => {
  const { of } = await tried("learned-direction", { steps: [150], seeds: 2 });
  expect(of("forbidden-answers")).toBeGreaterThan(0.8);
  expect(of("refusals")).toBeLessThan(0.2);
  expect(of("allowed-answers")).toBeGreaterThan(0.9);
  expect(of("forbidden-answers-control")).toBeLessThan(0.1);
  expect(of("refusal-log-odds")).toBeLessThan(0);
  expect(of("refusal-log-odds-as-released")).toBeGreaterThan(1);
});

test("the difference of means says which it chose", async () => {
  const { notes } = await tried("refusal-direction", {});
  expect(notes.join()).toMatch(/before block \d of 3/);
});
