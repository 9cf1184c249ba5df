import { z } from "zod";
import { AssayError, type Explained, type Need, type Random } from "#core";
import type { Access, Samples, Target } from "#model";
import type { FloatTensor } from "#onnx";
import type { Ball } from "./ball.ts";
import type { Norm } from "./norms/index.ts";

/** What an attack works on: rows of numbers in a ball, unless it says otherwise. */
export interface AttackInput<P, X extends Samples = FloatTensor, B = Ball> {
  readonly target: Target<X>;
  /** Clean samples [N, ...shape] that the target classifies correctly. */
  readonly x: X;
  /** Their true labels. */
  readonly y: Int32Array;
  /**
   * What examples have to stay within; of infinite size where the
   * nearest are looked for.
   */
  readonly ball: B;
  /**
   * Further samples of the task that an attacker has, with their labels; none of those
   * that are scored.
   */
  readonly others?: { readonly x: FloatTensor; readonly y: Int32Array };
  /** Samples of the task that the public base was trained on, where there are any. */
  readonly source?: FloatTensor;
  readonly params: P;
  /**
   * One generator a sample, so that results do not depend on how samples are batched.
   */
  readonly random: readonly Random[];
  /**
   * Called between steps with the share of the work that is done; throws when the
   * run is interrupted.
   */
  readonly onProgress: (share: number) => void;
  /**
   * Called with what it has to do otherwise than its paper says, in a sentence
   * without its stop.
   */
  readonly onNote?: (text: string) => void;
  /**
   * Called with how many of the samples withstood one part of it, where its parts
   * are of interest.
   */
  readonly onMeasure?: (measure: Measure) => void;
  /** Called with each of the attacks that it consists of, where there are several. */
  readonly onPart?: (part: Part) => void;
}

/** One of the attacks that an attack consists of. */
export interface Part {
  readonly id: string;
  readonly access: Access;
  /** Why it found no gradient to follow; null where it ran. */
  readonly noGradient: string | null;
}

/** How many samples stood under one part of an attack. */
export interface Measure {
  readonly name: string;
  /** How strong it was, from 1 on. */
  readonly level: number;
  readonly robust: number;
}

/** What sort of attack it is, for the checks that compare attacks with each other. */
export type Family =
  | "single-step"
  | "iterative"
  /** Looks for the nearest example. */
  | "minimum-norm"
  /** Needs no gradients. */
  | "query"
  /**
   * One perturbation for all samples: its examples depend on which ones it is given,
   * though not on their order.
   */
  | "universal"
  /** Nobody searches: what happens to inputs by itself. */
  | "corruption"
  | "control"
  | "transfer";

export interface Attack<S extends z.ZodObject = z.ZodObject> extends Explained {
  /** Tells it from an attack on texts. */
  readonly kind?: undefined;
  readonly id: string;
  readonly title: string;
  readonly access: Access;
  readonly family: Family;
  readonly norms: readonly Norm[];
  /** Authors, year and arXiv id, or the venue of a paper that is not there. */
  readonly reference: string;
  /**
   * Identifiers in MITRE ATLAS 5.6.0, OWASP ML Top 10 (2023) and NIST AI 100-2 E2025.
   */
  readonly taxonomy: {
    readonly atlas: readonly string[];
    readonly owasp: readonly string[];
    readonly nist: readonly string[];
  };
  /** What has to be there; nothing when left out. */
  readonly needs?: readonly Need[];
  /** What has to be there besides, by its parameters. */
  needsFor?(params: z.output<S>): readonly Need[];
  readonly params: S;
  /**
   * Calls that each gradient is averaged over; what its `eot` says, or
   * one, when left out.
   */
  draws?(params: z.output<S>): number;
  /**
   * Tries to break the samples. The target judges every example that it is asked
   * about and keeps those that broke a sample, so most attacks return what it kept.
   *
   * @returns one example a sample, inside ball and bounds
   */
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
 * The class that each sample is pushed to; null for an untargeted attack.
 *
 * @throws ATTACK_INPUT where there is no other class
 */
export async function aimsOf(
  mode: z.output<typeof targetedParam>,
  { target, x, y, random }: Omit<AttackInput<unknown>, "params">,
): Promise<Int32Array | null> {
  if (mode === "none") return null;
  if (target.classes < 2)
    throw new AssayError(
      "ATTACK_INPUT",
      "the attack aims at another class, the model has one",
      'Set targeted: "none".',
    );
  if (mode === "random") {
    return y.map((label, i) => {
      const stream = random[i]!.fork("target class");
      const draw = stream.below(target.classes - 1);
      return draw < label ? draw : draw + 1;
    });
  }
  const all = Array.from(y.keys());
  const { data } = await target.scores(x, all);
  return y.map((label, i) => {
    const row = data.subarray(i * target.classes, (i + 1) * target.classes);
    const others = Array.from(row.keys()).filter((k) => k !== label);
    return others.reduce((least, k) => (row[k]! < row[least]! ? k : least));
  });
}
