import { percent } from "../../words.ts";
import type { TrustCheck } from "../check.ts";

/** Of the slope. A kink nearby costs some. */
const WARNED = 0.1;

const FAILED = 0.5;

/** Where the attack stopped, the gradient is the slope of the loss. */
export const gradientAgrees: TrustCheck = {
  id: "gradient-agrees",
  title: "Gradients are slopes",
  judge({ probes }) {
    const error = probes?.gradientError;
    if (error === null || error === undefined) return undefined;
    const seen = `Where the attack stopped, gradient and finite differences are ${percent(error)} apart`;
    if (error <= WARNED) return { status: "passed", message: `${seen}.` };
    return error <= FAILED
      ? {
          status: "warned",
          message: `${seen}: the loss has kinks or steps there; an attack without gradients says more.`,
        }
      : {
          status: "failed",
          message: `${seen}: the gradient is not that of the model; attack through a smooth stand-in or without gradients.`,
        };
  },
};
