import type { z } from "zod";
import { Random } from "#core";
import type { Dataset } from "#data";
import { onnxruntime } from "#engine";
import type { Model } from "#model";
import type { TrialInput } from "../../src/audit/trials/trial.ts";
import type { Victim } from "../../src/audit/trials/victim.ts";

/**
 * A trial of a model that is there, and is not learnt again unless the victim says how.
 */
export function trialInput<U extends { params: z.ZodObject }, P>(
  unit: U,
  params: object,
  model: Model,
  data: Victim["data"],
  victim: Partial<Victim> = {},
): TrialInput<U, P> {
  return {
    unit,
    params: unit.params.parse(params) as P,
    victim: {
      id: "small",
      model,
      base: null,
      data,
      learned: { domain: data, seen: data.train, unlabelled: 0 },
      attacked: data.test as Dataset,
      source: null,
      tunable: false,
      repaired: false,
      tune: async () => model,
      retune: async () => {
        throw new Error("nothing is learnt again");
      },
      behindDefenses: async () => new Map(),
      ...victim,
    },
    unrelated: null,
    surrogate: async () => model,
    each: inOrder,
    once: (_name, make) => make(),
    random: new Random(1),
    engine: onnxruntime,
    onProgress() {},
  };
}

/** One after the other, as in a trial. */
export async function inOrder<I, T>(
  items: readonly I[],
  _nameOf: (item: I) => string,
  make: (item: I) => Promise<T>,
): Promise<T[]> {
  const found: T[] = [];
  for (const item of items) found.push(await make(item));
  return found;
}
