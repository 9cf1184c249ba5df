import type { Ball } from "#attacks";
import { Random } from "#core";
import type { Samples } from "#model";
import type { FloatTensor } from "#onnx";
import type { PlannedCell } from "../plan/index.ts";
import { samplesThatAre } from "../results/index.ts";
import {
  type Attempt,
  drawsOf,
  type Evidence,
  isRandom,
  PROBED,
  partOf,
  wrongAtMost,
} from "../trust/index.ts";
import { progressOf } from "../workplace.ts";
import { type Bench, ballFor, type Opened } from "./bench.ts";
import type { BareCell } from "./cell.ts";
import type { Craft } from "./craft.ts";
import { probesOf } from "./seen.ts";

/** What an attack left standing, as probes try it again. */
export interface LeftStanding {
  /** The attack on all samples, and on those that probes look at. */
  readonly whole: Attempt;
  readonly few: Attempt;
  /** Samples that it left standing. */
  readonly count: number;
  /** Whether it is a search on a model without a gradient. */
  readonly searches: boolean;
}

/** What an attack is by the parts of it that ran. */
export const runAs = (
  { chosen: { unit } }: PlannedCell,
  { noGradient, searched }: Craft,
): Pick<Evidence, "access" | "family"> =>
  noGradient !== null && searched ? { access: "score", family: "query" } : unit;

/** Whether an attack follows the gradient for many steps. */
const climbs = ({ access, family }: Pick<Evidence, "access" | "family">) =>
  access === "gradient" &&
  (family === "iterative" || family === "minimum-norm");

/** Whether what a cell leaves standing is tried again, as far as its plan tells. */
export const mayBeTriedAgain = ({
  chosen: { unit },
  probed,
  adaptive,
  norm,
  queries,
}: PlannedCell): boolean =>
  probed &&
  adaptive &&
  queries === null &&
  norm !== "none" &&
  norm !== "edits" &&
  (climbs(unit) || unit.family === "query");

/**
 * What is left standing of a cell that a white-box attack ended in, or a search of a
 * model without a gradient, where its number counts and nothing limits it; null of
 * others, and where nothing stands.
 *
 * @param opened the candidate behind its defence
 */
export async function leftStanding(
  planned: PlannedCell,
  opened: Opened,
  bench: Bench,
  made: Craft & { readonly examples: Samples },
  { outcomes, noGradient }: BareCell,
): Promise<LeftStanding | null> {
  const { id, chosen } = planned;
  const { data, seed } = bench;
  const progress = progressOf(bench, id);
  const { unit, params } = chosen;
  if (unit.kind === "text" || !mayBeTriedAgain(planned)) return null;
  const ran = runAs(planned, made);
  const examples = made.examples as FloatTensor;
  const searches = ran.family === "query" && noGradient !== undefined;
  if (!searches && !(climbs(ran) && made.noGradient === null)) return null;
  // What one draw of the model got right by luck does not stand.
  const wrong = await wrongAtMost(
    opened.model,
    examples,
    data,
    new Random(seed).fork(`standing ${id}`),
  );
  const standing = samplesThatAre(outcomes, "robust").filter((i) => !wrong[i]);
  if (standing.length === 0) return null;
  const whole: Attempt = {
    model: opened.model,
    chosen: { unit, params },
    ball: ballFor(planned, opened, data) as Ball,
    x: data.x,
    y: data.y,
    targets: data.targets,
    examples,
    peaks: made.peaks,
    draws: drawsOf(chosen),
    drawsAtRandom: isRandom(await probesOf(opened, bench)),
    random: new Random(seed).fork(`probes ${id}`),
    // The attack itself is done.
    onProgress: () => progress(1),
  };
  return {
    whole,
    few: partOf(whole, standing.slice(0, PROBED)),
    count: standing.length,
    searches,
  };
}
