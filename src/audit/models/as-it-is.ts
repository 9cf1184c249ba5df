import type { BaseCandidate } from "../suite/index.ts";
import { checkFits, checkTargets } from "../tasks/index.ts";
import { requireHeadFor } from "./adapted.ts";
import type { Maker } from "./maker.ts";

/** The base as a candidate, so that what is tuned from it can be compared with it. */
export const asItIs: Maker<BaseCandidate> = {
  outline({ id }, { data, loaded }, base) {
    const { test } = data.target;
    requireHeadFor(id, base, loaded.file, test);
    checkFits(test, base, base.classes, id);
    checkTargets(base, test, id);
    return base;
  },
  key: (_candidate, _place, base) => base,
  async make(candidate, shop, base) {
    asItIs.outline(candidate, shop, base.model);
    const { id } = candidate;
    return { ...base, id, history: [], ended: null };
  },
};
