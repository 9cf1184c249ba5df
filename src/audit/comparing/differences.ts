import { canonicalJson } from "#core";
import type { Results } from "../results/index.ts";

/**
 * What differs between two runs besides their numbers, as sentences without their
 * stops: what was changed on purpose, and what may have moved a number besides.
 */
export function differencesOf(old: Results, now: Results): string[] {
  const pairs = <T extends { readonly id: string }>(
    of: (run: Results) => T[],
  ) =>
    of(now).flatMap((one) => {
      const other = of(old).find(({ id }) => id === one.id);
      return other ? [[other, one] as const] : [];
    });
  const [before, after] = [old.provenance, now.provenance];
  return [
    ...(before.assay === after.assay
      ? []
      : [
          `Assay ${before.assay}, now ${after.assay}: attacks may have changed`,
        ]),
    ...(before.engine === after.engine
      ? []
      : [`The engine was ${before.engine}, now ${after.engine}`]),
    ...(before.suite.hash === after.suite.hash ? [] : ["The suites differ"]),
    ...(before.seed === after.seed
      ? []
      : [`The seed was ${before.seed}, now ${after.seed}`]),
    ...(old.base?.hash === now.base?.hash ? [] : ["The base differs"]),
    ...pairs(({ candidates }) => candidates).flatMap(([one, other]) =>
      one.hash === other.hash ? [] : [`The weights of ${other.id} differ`],
    ),
    ...pairs(({ defenses }) => defenses).flatMap(([one, other]) =>
      canonicalJson(one.parts) === canonicalJson(other.parts)
        ? []
        : [`The defence ${other.id} differs`],
    ),
    ...pairs(({ trialAttacks }) => trialAttacks).flatMap(([one, other]) =>
      canonicalJson(one.params) === canonicalJson(other.params)
        ? []
        : [`The trial ${other.id} has other parameters`],
    ),
    ...pairs(({ repairs }) => repairs).flatMap(([one, other]) =>
      canonicalJson(one.parts) === canonicalJson(other.parts)
        ? []
        : [`The repair ${other.id} differs`],
    ),
  ];
}
