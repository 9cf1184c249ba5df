import { percent } from "#core";
import type { Ruling, TrustCheck } from "../check.ts";
import type { AttackProbes } from "../probes/index.ts";

/** Of the slope. A kink nearby costs some. */
const WARNED = 0.1;

const FAILED = 0.5;

/** Of what the gradient says of a step of the attack, what has to come true. */
const KEPT = { most: 0.5, least: 0.1 };

/**
 * The gradient is the slope of the loss, both where the attack stopped, for the
 * smallest steps, and on its way, for steps as long as its own: a shattered gradient is
 * a slope, and leads nowhere.
 */
export const gradientAgrees: TrustCheck = {
  id: "gradient-agrees",
  title: "Gradients are slopes",
  summary:
    "Whether the gradient is the slope of the loss: against finite differences where the attack stopped, and over steps as long as the attack's own.",
  meaning:
    "A failure says that the gradient is not the model's, or is shattered and leads nowhere, so that attacks by gradients say nothing. A warning says that the loss has kinks there.",
  advice:
    "Attack through a smooth stand-in, with smaller steps, or without gradients (square, hopskipjump).",
  judge({ probes }) {
    if (!probes) return undefined;
    const found = [overSteps(probes), nearby(probes)].flatMap((f) => f ?? []);
    return (
      found.find(({ status }) => status === "failed") ??
      found.find(({ status }) => status === "warned") ??
      found.at(-1)
    );
  },
};

/** Whether the loss does what the gradient says of a step of the attack. */
export const leadsOn = (steps: AttackProbes["alongSteps"] | undefined) =>
  steps !== null && steps !== undefined && steps.kept >= KEPT.most;

function nearby({ gradientError: error }: AttackProbes): Ruling {
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
}

function overSteps({ alongSteps }: AttackProbes): Ruling {
  if (!alongSteps) return undefined;
  const { kept, size } = alongSteps;
  const seen = `Over a step of the attack (${Number(size.toPrecision(3))} eps) the loss changes by ${percent(kept)} of what the gradient says`;
  if (leadsOn(alongSteps)) return { status: "passed", message: `${seen}.` };
  return kept >= KEPT.least
    ? {
        status: "warned",
        message: `${seen}: it bends within a step; smaller steps, and an attack without gradients, say more.`,
      }
    : {
        status: "failed",
        message: `${seen}: the gradient is shattered; attack through a smooth stand-in or without gradients.`,
      };
}
