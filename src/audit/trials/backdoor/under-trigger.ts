import type { Trigger } from "#attacks";
import { type Dataset, takeSamples } from "#data";
import type { Engine } from "#engine";
import { compile, type Model } from "#model";
import type { FloatTensor } from "#onnx";
import { decisions, REFUSED } from "../../models/index.ts";
import type { Finding } from "../../results/index.ts";
import { pairsOf, tango } from "../../statistics/index.ts";
import { numberFinding, shareFinding } from "../trial.ts";

/** What a model says of samples, clean and with a trigger. */
export interface UnderTrigger {
  /** Of each sample, whether it is right. */
  readonly right: readonly boolean[];
  readonly refused: number;
  /** How many samples of other classes are taken for the target without a trigger. */
  readonly mistaken: number;
  /**
   * Of samples of other classes than the target, how many are taken for it with the
   * trigger, rightly classified and refused.
   */
  readonly triggered: {
    readonly n: number;
    readonly fooled: number;
    readonly right: number;
    readonly refused: number;
  };
}

/** Asks a model about samples, and about those of other classes with a trigger. */
export async function underTrigger(
  model: Model,
  data: Dataset,
  trigger: Trigger,
  target: number,
  engine: Engine,
): Promise<UnderTrigger> {
  const rows = [...data.y.keys()].filter((row) => data.y[row] !== target);
  const others = takeSamples(data, rows);
  const compiled = await compile(model, engine);
  const said = async (x: FloatTensor) =>
    decisions(model, await compiled.answers(x));
  const clean = await said(data.x);
  const marked = await said(trigger(others.x));
  await compiled.release();
  const count = (
    answers: Int32Array,
    isSo: (answer: number, i: number) => boolean,
  ) => answers.reduce((sum, a, i) => sum + (isSo(a, i) ? 1 : 0), 0);
  return {
    right: Array.from(clean, (a, i) => a === data.y[i]),
    refused: count(clean, (a) => a === REFUSED),
    mistaken: rows.filter((row) => clean[row] === target).length,
    triggered: {
      n: rows.length,
      fooled: count(marked, (a) => a === target),
      right: count(marked, (a, i) => a === others.y[i]),
      refused: count(marked, (a) => a === REFUSED),
    },
  };
}

const share = (flags: readonly boolean[]) =>
  flags.filter(Boolean).length / flags.length;

export const successFinding = (
  k: number,
  n: number,
  role: Finding["role"],
  at: string,
): Finding =>
  shareFinding(
    { id: "attack-success", title: "Attack success", role, attacker: "up", at },
    k,
    n,
  );

export const success = (
  { triggered: { fooled, n } }: UnderTrigger,
  role: Finding["role"],
  at: string,
): Finding => successFinding(fooled, n, role, at);

export const kept = ({ triggered }: UnderTrigger, at: string): Finding =>
  shareFinding(
    {
      id: "robust-accuracy",
      title: "Triggered samples that are classified correctly",
      role: "detail",
      attacker: "down",
      at,
    },
    triggered.right,
    triggered.n,
  );

/** In percentage points of clean accuracy, with the paired interval. */
export function costOf(
  before: UnderTrigger,
  after: UnderTrigger,
  at: string,
): Finding {
  const { low, high } = tango(pairsOf(before.right, after.right));
  return numberFinding(
    {
      id: "clean-accuracy-lost",
      title: "Clean accuracy lost, in points",
      role: "cost",
      attacker: "down",
      at,
    },
    100 * (share(before.right) - share(after.right)),
    { low: 100 * low, high: 100 * high, n: after.right.length },
  );
}

/** Defence effectiveness rating: 1 is all of the attack and none of the accuracy. */
export function effectiveness(
  before: UnderTrigger,
  after: UnderTrigger,
  at: string,
): Finding {
  const rateOf = ({ triggered }: UnderTrigger) =>
    triggered.fooled / triggered.n;
  const taken = Math.max(0, rateOf(before) - rateOf(after));
  const lost = Math.max(0, share(before.right) - share(after.right));
  return numberFinding(
    {
      id: "defence-effectiveness",
      title: "Defence effectiveness rating",
      role: "detail",
      attacker: "down",
      at,
    },
    before.triggered.n > 0 ? (taken - lost + 1) / 2 : null,
    { n: before.triggered.n },
  );
}

export const refusals = (
  { triggered, refused, right }: UnderTrigger,
  at: string,
) => [
  shareFinding(
    {
      id: "triggered-refused",
      title: "Triggered samples that are refused",
      role: "detail",
      attacker: "down",
      at,
    },
    triggered.refused,
    triggered.n,
  ),
  shareFinding(
    {
      id: "clean-refused",
      title: "Clean samples that are refused",
      role: "cost",
      attacker: null,
      at,
    },
    refused,
    right.length,
  ),
];
