import { makeBase, makeUnrelated } from "./base.ts";
import { makeCandidate } from "./candidate.ts";
import type { ReadyModel, Workshop } from "./ready.ts";

/**
 * The models of a run. Each is opened when it is asked for: read from its file or from
 * the store, and made where it is in neither. The base and those that were last in use
 * stay open, so that memory does not grow with the candidates.
 */
export interface Models {
  /** Null where the suite has none. */
  base(): Promise<ReadyModel | null>;
  /** One that does not descend from the base. */
  unrelated(): Promise<ReadyModel>;
  candidate(id: string): Promise<ReadyModel>;
}

/** Models that stay open beside the base, and numbers in their weights. */
const MOST = 6;
const WEIGHTS = 2 ** 25;

/** A model that is open or opens, and how many numbers its weights have. */
interface Open {
  readonly made: Promise<ReadyModel>;
  weights: number;
}

/** Lets go of all but the last: fewer of large models, and one whatever its size. */
function letGo(opened: Map<string, Open>): void {
  let weights = 0;
  for (const [i, [id, open]] of [...opened].reverse().entries()) {
    weights += open.weights;
    if (i > 0 && (i >= MOST || weights > WEIGHTS)) opened.delete(id);
  }
}

export function openModels(shop: Workshop): Models {
  const opened = new Map<string, Open>();
  const once = (id: string, make: () => Promise<ReadyModel>) => {
    const open = opened.get(id) ?? { made: make(), weights: 0 };
    // The last in use is the last in order.
    opened.delete(id);
    opened.set(id, open);
    open.made.then(
      ({ model: { graph } }) => {
        open.weights = [...graph.constants.values()].reduce(
          (sum, { data }) => sum + data.length,
          0,
        );
        letGo(opened);
      },
      // What failed is tried again when it is asked for again.
      () => opened.delete(id),
    );
    return open.made;
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
