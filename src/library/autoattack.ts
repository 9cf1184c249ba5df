import { judgeCells } from "#audit";
import type { Dataset } from "#data";
import type { Model } from "#model";
import type { Check } from "#results";
import {
  type AttackOptions,
  type AttackResult,
  attackWith,
  resultOf,
} from "./attack.ts";
import type { OpenModel } from "./open.ts";
import type { Samples } from "./samples.ts";

/** What AutoAttack did, and whether its number may be believed. */
export interface AutoAttackResult extends AttackResult {
  /** Whether no check failed. */
  readonly trusted: boolean;
  /** Mechanical tests that the number is not an artefact. */
  readonly checks: readonly Check[];
}

/** What AutoAttack is run with. */
export interface AutoAttackOptions
  extends Pick<AttackOptions, "seed" | "signal" | "onProgress"> {
  readonly norm: "linf" | "l2" | "l1";
  /** In the unit of the input bounds. */
  readonly eps: number;
  /**
   * "rand" for a model that draws at random, "plus" for more and slower attacks;
   * "standard" when left out.
   */
  readonly version?: "standard" | "plus" | "rand";
}

/**
 * Robust accuracy under AutoAttack (Croce and Hein 2020, arXiv:2003.01690), with the
 * trust checks that an audit makes: what is left standing is tried again with more
 * steps, other losses, noise, transfer and attacks without gradients. That takes about
 * as long again as the attack.
 *
 * @param model one that is open already is not opened again, and stays open
 * @param data a dataset, whose numbers are in [0, 1], or arrays in the unit of the
 *   model's input bounds
 * @throws what `attack` throws; PREFLIGHT for a model whose answers are not finite, or
 *   depend on the batch
 * @example
 * ```ts
 * import { autoattack, loadData, loadModel, sampleData, splitData } from "assay";
 *
 * const { test } = splitData(await loadData({ source: "digits" }));
 * const { robustAccuracy, trusted, checks } = await autoattack(
 *   await loadModel("digits.onnx"),
 *   sampleData(test, 40),
 *   { norm: "linf", eps: 0.3 },
 * );
 * console.log(robustAccuracy.value, robustAccuracy.low, robustAccuracy.high, trusted);
 * for (const { status, message } of checks)
 *   if (status !== "passed") console.log(message);
 * ```
 */
export async function autoattack(
  model: Model | OpenModel,
  data: Dataset | Samples,
  { version = "standard", norm, eps, ...options }: AutoAttackOptions,
): Promise<AutoAttackResult> {
  const [result] = await attackWith(
    model,
    data,
    { ...options, norm, attack: { id: "autoattack", version } },
    [eps],
    async (found, bench): Promise<AutoAttackResult> => {
      const scored = { cell: found.cell, evidence: await found.gather() };
      const looks = new Map([[found.cell.candidate, await bench.preflight()]]);
      const [cell] = judgeCells([scored], looks, {
        file: "",
        settings: [],
      });
      const { trusted = false, checks = [] } = cell ?? {};
      return { ...resultOf(found), trusted, checks };
    },
  );
  return result as AutoAttackResult;
}
