import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Attack, attackOn, attacks, ballOf, type Norm } from "#attacks";
import { Random } from "#core";
import { onnxruntime } from "#engine";
import {
  argmaxRows,
  type CompiledModel,
  compile,
  grantAccess,
  type Queries,
} from "#model";
import { encodeModel, type FloatTensor, takeRows } from "#onnx";
import { quick } from "../attacks/quick.ts";
import { reference, smallDigits, untrained } from "../reference.ts";

const COUNT = 12;
let model: CompiledModel;
let base: CompiledModel;
let x: FloatTensor;
let y: Int32Array;
let others: { x: FloatTensor; y: Int32Array };

beforeAll(async () => {
  const { test: data, validation } = await smallDigits();
  model = await compile(await reference(), onnxruntime);
  base = await compile(untrained(["p", "q", "r"], 5), onnxruntime);
  const predicted = argmaxRows(await model.logits(data.x));
  const right = Array.from(data.y, (_, i) => i)
    .filter((i) => predicted[i] === data.y[i])
    .slice(0, COUNT);
  x = takeRows(data.x, right);
  y = Int32Array.from(right, (i) => data.y[i]!);
  others = validation;
});

interface Options {
  norm?: Norm;
  eps?: number;
  seed?: number;
  rows?: number[];
  params?: Record<string, unknown>;
  victim?: CompiledModel;
  publicBase?: CompiledModel;
}

async function attack(
  unit: Attack,
  {
    norm = unit.norms[0]!,
    eps = 0.1,
    seed = 1,
    rows,
    params = {},
    victim = model,
    publicBase = base,
  }: Options = {},
) {
  const chosen = rows ?? Array.from(y, (_, i) => i);
  // A length of the same reach as eps is for a single number.
  const ball = ballOf(norm, norm === "l0" ? Math.round(eps * 64) : eps, [0, 1]);
  const { target, run } = attackOn(
    victim,
    { x, y },
    { unit, params: unit.params.parse({ ...quick[unit.id], ...params }) },
    { ball },
    { rows: chosen, random: new Random(seed), base: publicBase, others },
  );
  const examples = takeRows(await run(), chosen);
  return { examples, target, ball, clean: takeRows(x, chosen) };
}

const accuracy = async (examples: FloatTensor) =>
  argmaxRows(await model.logits(examples)).filter((p, i) => p === y[i]).length;

describe.each(attacks.map((a) => [a.id, a] as const))(
  "attack %s",
  (_id, unit) => {
    test("eps = 0 returns the input, where there is a distance", async () => {
      if (unit.norms[0] === "none") return;
      const { examples, clean } = await attack(unit, { eps: 0 });
      expect(examples.data).toEqual(clean.data);
    });

    test("stays inside ball and bounds for any eps", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.double({ min: 0, max: 1.5, noNaN: true }),
          fc.constantFrom(...unit.norms),
          fc.nat(),
          async (eps, norm, seed) => {
            const { examples, ball, clean } = await attack(unit, {
              eps,
              norm,
              seed,
              rows: [0, 1, 2],
              params: unit.family === "iterative" ? { steps: 5 } : {},
            });
            for (const d of ball.distance(clean, examples))
              expect(d).toBeLessThanOrEqual(ball.eps * (1 + 1e-6) + 1e-6);
            for (const v of examples.data) expect(v >= 0 && v <= 1).toBe(true);
          },
        ),
        { numRuns: 12 },
      );
    });

    test("the same seed gives the same bytes, and another batch the same examples", async () => {
      const whole = (await attack(unit)).examples;
      expect((await attack(unit)).examples.data).toEqual(whole.data);
      const half = Math.floor(COUNT / 2);
      const order = Array.from(y, (_, i) => i);
      if (unit.family === "universal") {
        // One perturbation for all depends on which samples it is of, but
        // not on their order.
        const turned = await attack(unit, { rows: order.toReversed() });
        expect(takeRows(turned.examples, order.toReversed())).toEqual(whole);
        return;
      }
      const parts = [
        await attack(unit, { rows: order.slice(0, half) }),
        await attack(unit, { rows: order.slice(half) }),
      ];
      const joined = parts.flatMap((p) => Array.from(p.examples.data));
      expect(joined).toEqual(Array.from(whole.data));
      const alone = await attack(unit, { rows: [COUNT - 1] });
      expect(alone.examples).toEqual(takeRows(whole, [COUNT - 1]));
    });

    test("leaves the weights as they are and counts every query", async () => {
      const before = encodeModel(model.model.graph);
      const made: Queries = { forward: 0, gradient: 0, base: 0 };
      const counted = counting(model, (kind, n) => {
        made[kind] += n;
      });
      const countedBase = counting(base, (_kind, n) => {
        made.base += n;
      });
      const { target } = await attack(unit, {
        victim: counted,
        publicBase: countedBase,
      });
      expect(target.queries).toEqual(made);
      expect(encodeModel(model.model.graph)).toEqual(before);
    });

    test("does at least as well as noise of the same size", async () => {
      if (unit.norms[0] === "none") return;
      const noise = attacks.find((a) => a.id === "noise") as Attack;
      const control = await accuracy(
        (
          await attack(noise, {
            eps: 0.25,
            norm: unit.norms[0] as Norm,
            params: { draws: 1 },
          })
        ).examples,
      );
      const own = await accuracy((await attack(unit, { eps: 0.25 })).examples);
      // Through an unrelated base, or with one perturbation for all, it may do no
      // better than noise; one sample of slack.
      const handicapped = unit.access === "base" || unit.family === "universal";
      expect(own).toBeLessThanOrEqual(control + (handicapped ? 1 : 0));
    });

    test("says what it is", () => {
      expect(unit.id).toMatch(/^[a-z0-9-]+$/);
      expect(unit.reference).toMatch(
        /\d{4}, (arXiv:\d{4}\.\d{4,5}|USENIX Security)$/,
      );
      expect(
        unit.taxonomy.atlas.every((t) => /^AML\.T\d{4}(\.\d{3})?$/.test(t)),
      ).toBe(true);
      expect(unit.taxonomy.owasp.every((t) => /^ML\d{2}:2023$/.test(t))).toBe(
        true,
      );
      expect(unit.taxonomy.nist.every((t) => /^NISTAML\.\d+$/.test(t))).toBe(
        true,
      );
      expect(
        unit.taxonomy.atlas.length *
          unit.taxonomy.owasp.length *
          unit.taxonomy.nist.length,
      ).toBeGreaterThan(0);
      expect(() => unit.params.parse({ nonsense: 1 })).toThrow();
    });
  },
);

test("an attack gets no more than its access", async () => {
  const limit = ballOf("linf", 0.1, [0, 1]);
  const target = grantAccess(model, { access: "label", x, y, limit, base });
  const all = Array.from(y.keys());
  await expect(target.scores(x, all)).rejects.toThrow(/its access is "label"/);
  await expect(target.lossGradient(x, all)).rejects.toThrow(
    /its access is "label"/,
  );
  expect(() => target.base).toThrow(/its access is "label"/);
});

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
