import { percent } from "#core";
import type { TrustCheck } from "../check.ts";

/** Of the standing samples. */
const TOLERATED = 0.05;

/**
 * The loss had reached a plateau when the attack stopped (Pintor et al. 2022,
 * arXiv:2106.09947, indicator 4).
 */
export const stoppedRising: TrustCheck = {
  id: "stopped-rising",
  title: "The attack had come to rest",
  summary: "Whether the loss had stopped rising when the attack ended.",
  meaning:
    "A warning says that many standing samples were still on the way, so that more steps would break more.",
  advice:
    "Run it with more steps, or take autoattack, which chooses its step itself.",
  judge({ probes, attack }) {
    const rising = probes?.rising;
    if (rising === null || rising === undefined) return undefined;
    const seen = `On ${percent(rising)} of the standing samples the loss still rose in the last ten steps of ${attack}`;
    return rising <= TOLERATED
      ? { status: "passed", message: `${seen}.` }
      : {
          status: "warned",
          message: `${seen}: run it with more steps, or autoattack.`,
        };
  },
};
