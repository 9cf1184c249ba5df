import { type Attack, attackOn, attacks, ballOf, type Norm } from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import { argmaxRows, type CompiledModel, compile, type Queries } from "#model";
import { encodeModel, type FloatTensor, takeRows } from "#onnx";
import { ensure, ensureSame, type Law, once } from "./law.ts";
import { saysWhatItIs } from "./meta.ts";
import { reference, smallDigits, untrained } from "./world.ts";

/** How laws are tried. */
export interface LawOptions {
  /** Parameters that differ from the defaults, such as fewer steps. */
  readonly params?: Readonly<Record<string, unknown>>;
  /** What cases are drawn from, such as budgets of attacks; the same when left out. */
  readonly seed?: number;
  /** How many are drawn. */
  readonly cases?: number;
}

const COUNT = 12;

/** A victim, samples that it gets right, and what else an attacker may have. */
const place = once(async () => {
  const { test: data, validation } = await smallDigits();
  const model = await compile(await reference(), onnxruntime);
  const base = await compile(untrained(["p", "q", "r"], 5), onnxruntime);
  const predicted = argmaxRows(await model.logits(data.x));
  const right = Array.from(data.y, (_, i) => i)
    .filter((i) => predicted[i] === data.y[i])
    .slice(0, COUNT);
  const y = Int32Array.from(right, (i) => data.y[i]!);
  return { model, base, x: takeRows(data.x, right), y, others: validation };
});

interface Attempt {
  readonly norm?: Norm;
  readonly eps?: number;
  readonly seed?: number;
  readonly rows?: readonly number[];
  readonly params?: Readonly<Record<string, unknown>>;
  readonly victim?: CompiledModel;
  readonly publicBase?: CompiledModel;
}

/** An attack on samples of the reference model. */
async function attempt(
  unit: Attack,
  {
    norm = unit.norms[0]!,
    eps = 0.1,
    seed = 1,
    rows,
    params = {},
    victim,
    publicBase,
  }: Attempt,
) {
  const { model, base, x, y, others } = await place();
  const chosen = rows ?? Array.from(y, (_, i) => i);
  // A length of the same reach as eps is for a single number.
  const ball = ballOf(norm, norm === "l0" ? Math.round(eps * 64) : eps, [0, 1]);
  const { target, run } = attackOn(
    victim ?? model,
    { x, y },
    { unit, params: unit.params.parse(params) },
    { ball },
    {
      rows: chosen,
      random: new Random(seed),
      base: publicBase ?? base,
      others,
    },
  );
  const examples = takeRows(await run(), chosen);
  return { examples, target, ball, clean: takeRows(x, chosen) };
}

/** How many of the samples the model still gets right. */
async function standing(examples: FloatTensor): Promise<number> {
  const { model, y } = await place();
  return argmaxRows(await model.logits(examples)).filter((p, i) => p === y[i])
    .length;
}

/**
 * The laws of attacks on inputs, on a small network and 8x8 digits.
 *
 * @param options parameters that make a slow attack quick
 * @example
 * ```ts
 * import { attackLaws } from "assay/conformance";
 * import { randomPoints } from "./random-points.ts";
 *
 * for (const { title, check } of attackLaws(randomPoints)) {
 *   await check();
 *   console.log("kept:", title);
 * }
 * ```
 */
export function attackLaws(
  unit: Attack,
  { params = {}, seed = 1, cases = 12 }: LawOptions = {},
): Law[] {
  const attack = ({ params: more, ...options }: Attempt = {}) =>
    attempt(unit, { ...options, params: { ...params, ...more } });
  const hasDistance = unit.norms[0] !== "none";
  const quick =
    unit.family === "iterative" && "steps" in unit.params.shape
      ? { steps: 5 }
      : {};
  return [
    {
      title: "eps = 0 returns the input, where there is a distance",
      async check() {
        if (!hasDistance) return;
        const { examples, clean } = await attack({ eps: 0 });
        ensureSame(clean.data, examples.data, "the input, then the example");
      },
    },
    {
      title: "stays inside ball and bounds for any eps",
      async check() {
        const random = new Random(seed);
        for (let i = 0; i < cases; i++) {
          const norm = unit.norms[i % unit.norms.length]!;
          const eps = 1.5 * random.uniform();
          const { examples, ball, clean } = await attack({
            ...{ eps, norm, seed: seed + i, rows: [0, 1, 2], params: quick },
          });
          const where = `at eps ${eps} and seed ${seed + i}`;
          for (const d of ball.distance(clean, examples))
            ensure(
              d <= ball.eps * (1 + 1e-6) + 1e-6,
              `${norm} distance ${d} of ${ball.eps} allowed, ${where}`,
            );
          for (const v of examples.data)
            ensure(
              v >= 0 && v <= 1,
              `${v} is outside the bounds 0 and 1, ${where}`,
            );
        }
      },
    },
    {
      title:
        "the same seed gives the same bytes, and another batch the same examples",
      async check() {
        const whole = (await attack()).examples;
        ensureSame(whole.data, (await attack()).examples.data, "twice");
        const order = Array.from({ length: whole.dims[0]! }, (_, i) => i);
        if (unit.family === "universal") {
          // One perturbation for all depends on which samples it is of, but
          // not on their order.
          const turned = await attack({ rows: order.toReversed() });
          const back = takeRows(turned.examples, order.toReversed());
          return ensureSame(whole.data, back.data, "turned round");
        }
        const half = Math.floor(order.length / 2);
        const parts = [
          await attack({ rows: order.slice(0, half) }),
          await attack({ rows: order.slice(half) }),
        ];
        const joined = parts.flatMap((p) => Array.from(p.examples.data));
        ensureSame(whole.data, joined, "at once, then in halves");
        const last = order.length - 1;
        const alone = await attack({ rows: [last] });
        ensureSame(
          takeRows(whole, [last]).data,
          alone.examples.data,
          "among others, then alone",
        );
      },
    },
    {
      title: "leaves the weights as they are, and every query is counted",
      async check() {
        const { model, base } = await place();
        const before = encodeModel(model.model.graph);
        const made: Queries = { forward: 0, gradient: 0, base: 0 };
        const { target } = await attack({
          victim: counting(model, (kind, n) => {
            made[kind] += n;
          }),
          publicBase: counting(base, (_kind, n) => {
            made.base += n;
          }),
        });
        for (const kind of ["forward", "gradient", "base"] as const)
          ensure(
            target.queries[kind] === made[kind],
            `${made[kind]} queries (${kind}) were made, ${target.queries[kind]} counted`,
          );
        ensureSame(before, encodeModel(model.model.graph), "the weights");
      },
    },
    {
      title: "does at least as well as noise of the same size",
      async check() {
        if (!hasDistance) return;
        const noise = attacks.find(({ id }) => id === "noise")!;
        const control = await attempt(noise, {
          ...{ eps: 0.25, norm: unit.norms[0]!, params: { draws: 1 } },
        });
        const own = await standing((await attack({ eps: 0.25 })).examples);
        const by = await standing(control.examples);
        // Through an unrelated base, or with one perturbation for all, it may do no
        // better than noise; one sample of slack.
        const slack =
          unit.access === "base" || unit.family === "universal" ? 1 : 0;
        ensure(own <= by + slack, `${own} samples stand, ${by} under noise`);
      },
    },
    saysWhatItIs("attack", unit),
  ];
}

/** The model with every evaluated sample reported. */
function counting(
  inner: CompiledModel,
  report: (kind: "forward" | "gradient", n: number) => void,
): CompiledModel {
  return {
    ...inner,
    logits: (input) => {
      report("forward", input.dims[0] ?? 0);
      return inner.logits(input);
    },
    answers: (input, draws) => {
      report("forward", input.dims[0] ?? 0);
      return inner.answers(input, draws);
    },
    lossGradient: (input, ...rest) => {
      report("gradient", input.dims[0] ?? 0);
      return inner.lossGradient(input, ...rest);
    },
    featuresAt: async (place) =>
      counting(await inner.featuresAt(place), report),
  };
}
