import { percent } from "#core";
import { samples } from "../../words.ts";
import { type Evidence, type Ruling, STRONGER } from "../check.ts";
import type { AttackProbes, Tries } from "../probes/index.ts";
import { leadsOn } from "./gradient-agrees.ts";

/** Of all samples, what all tries may break together, as of `other-means`. */
const TOLERATED = 0.03;

/** Warnings of a kind say the same thing twice. */
const kinds = [
  {
    warnings: ["stopped-rising", "converged-in-steps"],
    sign: "the loss was still rising",
  },
  {
    warnings: ["smooth-nearby", "gradient-agrees"],
    sign: "gradients say little of what is nearby",
  },
  {
    warnings: ["gradients-available"],
    sign: "some samples had a gradient of zero",
  },
] as const;

/** The check of what the others warned of. It alone sees their findings. */
export const warningsCheck = {
  id: "warnings-together",
  title: "Warnings do not add up",
  summary:
    "What the warnings of a cell say together: the samples that any further try broke, each counted once, and signs of different kinds.",
  meaning:
    "A failure says that what is bearable one by one adds up: together further tries broke too many samples, or two signs of different kinds point one way.",
  advice:
    "Take the advice of each check that warned: more steps and restarts, then autoattack, square and hopskipjump.",
};

/**
 * Whether warnings that are bearable one by one say together that the attack was too
 * weak: what further tries broke, each of them little, is counted once a sample; and
 * two signs of different kinds withhold a number that each of them alone only doubts.
 *
 * @param warned ids of the checks of the cell that warned
 */
export function warningsTogether(
  cell: Evidence,
  warned: ReadonlySet<string>,
): Ruling {
  const { probes, outcomes } = cell;
  if (!probes) return undefined;
  const tries = triesOf(probes);
  const broken = new Set(tries.flatMap(({ which }) => which)).size;
  const tried = Math.max(0, ...tries.map((one) => one.tried));
  const share = ((broken / tried) * probes.standing) / outcomes.length;
  const seen = `All further tries together broke ${broken} of ${samples(tried)} that were left standing`;
  if (broken >= 2 && share >= TOLERATED)
    return {
      status: "failed",
      message: `${seen}, about ${percent(share)} of all: ${STRONGER}.`,
    };
  const signs = [
    // One sample may go either way by luck of the draw.
    ...(broken >= 2 ? [`further tries broke ${broken} samples`] : []),
    ...kinds.flatMap(({ warnings, sign }) =>
      warnings.some((id) => warned.has(id) && speaks(id, cell)) ? [sign] : [],
    ),
  ];
  return signs.length >= 2
    ? {
        status: "failed",
        message: `Several signs point one way (${signs.join("; ")}): ${STRONGER}.`,
      }
    : {
        status: "passed",
        message: `${seen}, and no two warnings of different kinds point one way.`,
      };
}

/**
 * Whether the warning says that the attack is weak, beyond the samples that are counted
 * anyway. A model without a gradient was searched otherwise, and the kinks of a
 * quantised one do not matter where a step of the attack passes over them.
 */
function speaks(id: string, { probes, noGradient }: Evidence): boolean {
  if (id === "converged-in-steps") return probes?.moreSteps?.broken === 0;
  if (id === "gradients-available") return noGradient === null;
  return id !== "gradient-agrees" || !leadsOn(probes?.alongSteps);
}

/** What was tried within the budget. */
const triesOf = ({
  moreSteps,
  moreRestarts,
  moreDraws,
  moreQueries,
  otherMeans,
  noise,
}: AttackProbes): Tries[] =>
  [
    moreSteps,
    moreRestarts,
    moreDraws,
    moreQueries,
    noise,
    otherMeans?.scores,
    otherMeans?.labels,
    otherMeans?.smoothed,
    ...(otherMeans?.replays ?? []),
  ].flatMap((one) => one ?? []);
