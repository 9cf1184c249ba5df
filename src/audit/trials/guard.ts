import type { Guard } from "#attacks";
import type { Chosen } from "#core";
import type { Remedy, RestoreInput } from "#defenses";
import type { Model } from "#model";
import { asPart, type OpenPart } from "#tuning";

/** What a repair does where the released model is trained on data of others. */
export function guardOf(
  remedies: readonly Chosen<Remedy>[],
  served: Omit<RestoreInput<unknown>, "model" | "params">,
): Guard | undefined {
  const parts: OpenPart[] = [];
  const words: string[] = [];
  const restores: ((trained: Model) => Promise<Model>)[] = [];
  for (const { unit, params } of remedies) {
    if (unit.kind === "training") {
      parts.push(asPart({ unit, params }));
      words.push(unit.inFront?.(params) ?? "");
    } else if (unit.kind === "restore") {
      const random = served.random.fork(unit.id);
      restores.push((model) =>
        unit.restore({ ...served, model, params, random }),
      );
    }
  }
  if (parts.length + restores.length === 0) return undefined;
  return {
    parts,
    inFront: words.filter(Boolean).join(" "),
    own: served.own,
    restore:
      restores.length === 0
        ? undefined
        : async (trained) => {
            let model = trained;
            for (const restore of restores) model = await restore(model);
            return model;
          },
  };
}
