import { certify, predictSmoothed } from "#audit";
import { choiceOf, Random } from "#core";
import { defend, sanitizers } from "#defenses";
import { onnxruntime } from "#engine";
import { compile } from "#model";
import { takeRows } from "#onnx";
import { attacked, defense, digits, learned, some } from "./digits.ts";
import type { Pair, Truth } from "./truth.ts";

const SIGMA = 0.25;

/**
 * What is certified of a smoothed classifier is never above what an attack on it
 * leaves (Cohen et al. 2019, arXiv:1902.02918): PGD whose gradient is a mean over
 * draws, as of Salman et al. 2019, then prediction at its examples.
 */
export const certified = (epochs: number, samples: number): Truth => ({
  id: "certified",
  async measure(seed) {
    const parts = await digits(seed);
    const seen = some(parts.test, samples, seed);
    const model = await learned(parts, seed, epochs, [
      defense({ id: "gaussian-augmentation", sigma: SIGMA }),
    ]);
    const noise = choiceOf(sanitizers).parse({
      id: "gaussian-noise",
      sigma: SIGMA,
      draws: 8,
    });
    const soft = defend(model, [noise]);
    const plain = await compile(model, onnxruntime);
    const random = new Random(seed).fork("certify");
    const smoothing = { sigma: SIGMA, n0: 100, n: 1000, alpha: 0.001 };
    const radii: number[] = [];
    for (const [i, label] of seen.y.entries()) {
      const x = takeRows(seen.x, [i]);
      const found = await certify(plain, x, smoothing, random.fork(i));
      radii.push(
        found?.label === label ? found.radius : Number.NEGATIVE_INFINITY,
      );
    }
    const pairs: Pair[] = [];
    for (const eps of [SIGMA / 2, SIGMA]) {
      const attack = { id: "apgd-ce", steps: 10, restarts: 1, eot: 2 };
      const { examples } = await attacked(soft, seen, attack, "l2", eps, seed);
      let stands = 0;
      for (const [i, label] of seen.y.entries()) {
        const x = takeRows(examples, [i]);
        const said = await predictSmoothed(
          plain,
          x,
          smoothing,
          random.fork(`said ${i}`),
        );
        if (said === label) stands++;
      }
      pairs.push({
        what: `accuracy at an L2 radius of ${eps}: under attack, against certified`,
        first: stands / samples,
        second: radii.filter((r) => r >= eps).length / samples,
        least: 0,
      });
    }
    await plain.release();
    return pairs;
  },
});
