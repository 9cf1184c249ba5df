import { choiceOf, Random } from "#core";
import { defend, sanitizers } from "#defenses";
import { onnxruntime } from "#engine";
import { accuracy, attacked, digits, learned, some } from "./digits.ts";
import type { Pair, Truth } from "./truth.ts";

const EPS = 0.15;

const tried = [
  { id: "bit-depth", bits: 3 },
  { id: "median", size: 2 },
  { id: "jpeg", quality: 75 },
  { id: "pca", components: 25 },
];

/**
 * What sanitizers save from an attack that does not know them falls under one that
 * does (Athalye et al. 2018, arXiv:1802.00420).
 */
export const adaptiveAttack = (epochs: number, samples: number): Truth => ({
  id: "adaptive-attack",
  async measure(seed) {
    const parts = await digits(seed);
    const seen = some(parts.test, samples, seed);
    const model = await learned(parts, seed, epochs);
    const apgd = { id: "apgd-ce", steps: 50, restarts: 1 };
    const unaware = await attacked(model, seen, apgd, "linf", EPS, seed);
    const pairs: Pair[] = [];
    for (const stated of tried) {
      const chosen = choiceOf(sanitizers).parse(stated);
      const { unit, params } = chosen;
      const fitted = await unit.fit?.(
        {
          model,
          engine: onnxruntime,
          ...parts,
          random: new Random(seed),
          onProgress() {},
        },
        params,
      );
      const defended = defend(model, [{ ...chosen, fitted }]);
      const aware = await attacked(defended, seen, apgd, "linf", EPS, seed);
      const first = await accuracy(defended, { ...seen, x: unaware.examples });
      pairs.push({
        what: `accuracy under attack behind ${stated.id}: unaware of it, against aware`,
        first,
        second: aware.robust,
        least: 0,
      });
    }
    return pairs;
  },
});
