import { gradient } from "#autodiff";
import { AssayError, Random } from "#core";
import { onnxruntime } from "#engine";
import { type Graph, GraphBuilder, type Tensor } from "#onnx";
import type { NodeTest } from "./archive.ts";
import { type Function64, inDouble, toDouble, toSingle } from "./double.ts";
import { feedsOf, firstLine, type Verdict } from "./forward.ts";

const refused = (why: string): Verdict => ({ kind: "refused", why });

/** Points tried, the test's own first: a kink is left by a small step aside. */
const POINTS = 6;

/**
 * Compares the gradients of every float output with respect to every float
 * input with differences along random directions.
 *
 * @returns a verdict for the test; undefined when it has nothing to differentiate
 */
export async function backward(
  graph: Graph,
  test: NodeTest,
): Promise<Verdict | undefined> {
  const inputs = graph.inputs.filter((i) => i.type === "float32");
  const outputs = graph.outputs.filter((o) => o.type === "float32");
  if (inputs.length === 0 || outputs.length === 0) return undefined;
  const feeds = feedsOf(graph, test);
  if (inputs.some((i) => feeds[i.name]!.data.length === 0)) return undefined;
  const verdicts: Verdict[] = [];
  for (const output of outputs) {
    for (const input of inputs) {
      // Exporters write parameters as constants, so all inputs but one are.
      const fixed = bound(graph, feeds, input.name);
      const own = { [input.name]: feeds[input.name]! };
      const verdict = await pair(fixed, own, output.name, input.name);
      if (verdict) verdicts.push(verdict);
    }
  }
  const first = (kind: Verdict["kind"]) =>
    verdicts.find((v) => v.kind === kind);
  // Parameters such as the scales of Resize have no gradient beside an
  // input that has one.
  return first("failed") ?? first("passed") ?? first("refused");
}

function bound(graph: Graph, feeds: Feeds, open: string): Graph {
  const others = graph.inputs.filter((i) => i.name !== open);
  return {
    ...graph,
    inputs: graph.inputs.filter((i) => i.name === open),
    constants: new Map([
      ...graph.constants,
      ...others.map(({ name }) => [name, feeds[name]!] as const),
    ]),
  };
}

type Feeds = Readonly<Record<string, Tensor>>;

/**
 * One output with respect to one input; undefined when there is rightly no gradient.
 */
async function pair(
  graph: Graph,
  feeds: Feeds,
  of: string,
  wrt: string,
): Promise<Verdict | undefined> {
  const alone = {
    ...graph,
    outputs: graph.outputs.filter((o) => o.name === of),
  };
  const plain = await inDouble(alone, feeds).catch(() => undefined);
  if (!plain) return refused("onnxruntime does not run this output alone");
  try {
    const shape = (await plain.run(feeds))[of]!;
    const seeded = new GraphBuilder(alone);
    seeded.input({ name: "test.seed", type: "float32", dims: shape.dims });
    let result: ReturnType<typeof gradient>;
    try {
      result = gradient(seeded.build([of]), {
        of,
        wrt: [wrt],
        seed: "test.seed",
      });
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      if (error.code !== "GRADIENT_NO_PATH") return refused(error.message);
      const flat = await isFlat(plain, feeds, of, wrt);
      return flat
        ? undefined
        : { kind: "failed", why: `it has a slope, but ${error.message}` };
    }
    return await compare(plain, result, feeds, of, wrt, shape);
  } finally {
    await plain.release();
  }
}

async function compare(
  plain: Function64,
  { graph, gradients }: ReturnType<typeof gradient>,
  feeds: Feeds,
  of: string,
  wrt: string,
  shape: Tensor,
): Promise<Verdict> {
  const random = new Random(`${of} by ${wrt}`);
  const seed = toSingle({
    type: "float64",
    dims: shape.dims,
    data: Float64Array.from({ length: shape.data.length }, () =>
      random.normal(),
    ),
  });
  let session: Awaited<ReturnType<typeof onnxruntime.load>>;
  try {
    session = await onnxruntime.load(graph);
  } catch (error) {
    return { kind: "failed", why: firstLine(error) };
  }
  const name = gradients.get(wrt) as string;
  let why = "";
  try {
    for (let point = 0; point < POINTS; point++) {
      const here =
        point === 0 ? feeds : { ...feeds, [wrt]: aside(feeds[wrt]!, random) };
      let g: Float64Array;
      try {
        const outputs = await session.run({ ...here, "test.seed": seed });
        g = toDouble(outputs[name]!).data as Float64Array;
      } catch (error) {
        return { kind: "failed", why: firstLine(error) };
      }
      const x = toDouble(here[wrt]!);
      const direction = Float64Array.from(g, () => 2 * random.uniform() - 1);
      const at = async (step: number) => {
        const moved = (x.data as Float64Array).map(
          (v, i) => v + step * direction[i]!,
        );
        const outputs = await plain.run({
          ...here,
          [wrt]: { ...x, data: moved },
        });
        return dot(outputs[of]!, seed);
      };
      const step = plain.exact ? 1e-5 : 1e-2;
      const [up, middle, down] = [await at(step), await at(0), await at(-step)];
      const numeric = (up - down) / (2 * step);
      const analytic = g.reduce((sum, v, i) => sum + v * direction[i]!, 0);
      const scale =
        Math.hypot(...g) +
        1e-3 * Math.hypot(...(seed.data as Float32Array)) +
        1e-6;
      const tolerance = plain.exact ? 1e-3 : 5e-2;
      if (Math.abs(numeric - analytic) <= tolerance * scale)
        return { kind: "passed" };
      const bend = Math.abs(up - 2 * middle + down) / step;
      why = `differences ${numeric}, gradient ${analytic}${bend > tolerance * scale ? " (at a kink)" : ""}`;
    }
  } finally {
    await session.release();
  }
  return { kind: "failed", why };
}

/** Whether moving an input a little moves nothing. */
async function isFlat(
  plain: Function64,
  feeds: Feeds,
  of: string,
  wrt: string,
): Promise<boolean> {
  const random = new Random("flat");
  const before = (await plain.run(feeds))[of]!;
  const x = toDouble(feeds[wrt]!);
  const moved = (x.data as Float64Array).map(
    (v) => v + 1e-4 * random.uniform(),
  );
  const after = (await plain.run({ ...feeds, [wrt]: { ...x, data: moved } }))[
    of
  ]!;
  // What rounds may jump. What is smooth moves everywhere.
  const changed = Array.from(before.data as Float64Array, (v, i) =>
    Math.abs(v - Number(after.data[i])),
  );
  const small = changed.filter((d) => d > 1e-7 && d < 1e-2);
  return small.length === 0;
}

/** The point a little aside, in single precision. */
function aside(t: Tensor, random: Random): Tensor {
  const data = Float32Array.from(
    t.data as Float32Array,
    (v) => v + 0.02 * random.normal() * Math.max(0.1, Math.abs(v)),
  );
  return { ...t, data };
}

function dot(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < b.data.length; i++)
    sum += Number(a.data[i]) * Number(b.data[i]);
  return sum;
}
