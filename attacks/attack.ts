import { z } from "zod";
import type { Random } from "#core";
import type { Access, Target } from "#model";
import type { FloatTensor } from "#onnx";
import type { Ball, Norm } from "./ball.ts";

/** What an attack works on. */
export interface AttackInput<P> {
  readonly target: Target;
  /** Clean samples [N, ...shape] that the target classifies correctly. */
  readonly x: FloatTensor;
  /** Their true labels. */
  readonly y: Int32Array;
  readonly ball: Ball;
  readonly params: P;
  /** One generator a sample, so that results do not depend on how samples are batched. */
  readonly random: readonly Random[];
  /** Called between steps with the share of the work that is done; throws when the run is interrupted. */
  readonly onProgress: (share: number) => void;
}

/** What sort of attack it is, for the checks that compare attacks with each other. */
export type Family = "single-step" | "iterative" | "control" | "transfer";

export interface Attack<S extends z.ZodObject = z.ZodObject> {
  readonly id: string;
  readonly title: string;
  readonly access: Access;
  readonly family: Family;
  readonly norms: readonly Norm[];
  /** Authors, year and arXiv id. */
  readonly reference: string;
  /** Identifiers in MITRE ATLAS 5.6.0, OWASP ML Top 10 (2023) and NIST AI 100-2 E2025. */
  readonly taxonomy: {
    readonly atlas: readonly string[];
    readonly owasp: readonly string[];
    readonly nist: readonly string[];
  };
  readonly params: S;
  /** Returns one example a sample, inside ball and bounds: the one that broke it, or the best try. */
  run(input: AttackInput<z.output<S>>): Promise<FloatTensor>;
}

/** Declares an attack. Its parameters refuse unknown names. */
export function defineAttack<S extends z.ZodObject>(
  attack: Attack<S>,
): Attack<S> {
  return attack;
}

/** Which class a targeted attack aims at; "none" for an untargeted one. */
export const targetedParam = z
  .enum(["none", "least-likely", "random"])
  .default("none")
  .describe("class to aim at");

/**
 * The class that each sample is pushed to.
 *
 * @param logits [N, classes] on the clean samples
 */
export function chooseTargets(
  mode: "least-likely" | "random",
  logits: FloatTensor,
  y: Int32Array,
  random: readonly Random[],
): Int32Array {
  const classes = logits.dims[1] ?? 0;
  return y.map((label, i) => {
    if (mode === "random") {
      const draw = (random[i] as Random)
        .fork("target class")
        .below(classes - 1);
      return draw < label ? draw : draw + 1;
    }
    let least = label === 0 ? 1 : 0;
    for (let k = 0; k < classes; k++) {
      const value = logits.data[i * classes + k] as number;
      if (k !== label && value < (logits.data[i * classes + least] as number))
        least = k;
    }
    return least;
  });
}
