import { makeBase, makeUnrelated } from "./base.ts";
import { makeCandidate } from "./candidate.ts";
import type { ReadyModel, Workshop } from "./ready.ts";

/**
 * The models of a run. Each is opened when it is first asked for: read from its file or
 * from the store, and made where it is in neither.
 */
export interface Models {
  /** Null where the suite has none. */
  base(): Promise<ReadyModel | null>;
  /** One that does not descend from the base. */
  unrelated(): Promise<ReadyModel>;
  candidate(id: string): Promise<ReadyModel>;
}

export function openModels(shop: Workshop): Models {
  const opened = new Map<string, Promise<ReadyModel>>();
  const once = (id: string, make: () => Promise<ReadyModel>) => {
    const known = opened.get(id);
    if (known) return known;
    const made = make();
    opened.set(id, made);
    // What failed is tried again when it is asked for again.
    made.catch(() => opened.delete(id));
    return made;
  };
  let base: Promise<ReadyModel | null> | undefined;
  const models: Models = {
    base: () => {
      base ??= makeBase(shop);
      base.catch(() => {
        base = undefined;
      });
      return base;
    },
    unrelated: () => once("unrelated base", () => makeUnrelated(shop)),
    candidate: (id) =>
      once(`candidate ${id}`, async () => {
        const candidate = shop.loaded.suite.candidates[id]!;
        const isGiven = candidate.kind === "given";
        return makeCandidate(
          candidate,
          shop,
          isGiven ? null : await models.base(),
        );
      }),
  };
  return models;
}
