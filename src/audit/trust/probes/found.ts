import type { BrokenControl } from "./broken-control.ts";
import type { ByOtherMeans } from "./by-other-means.ts";
import type { AlongSteps } from "./gradient-over-steps.ts";
import type { JumpAtBoundary } from "./jump-at-boundary.ts";
import type { Averaged, Drawn, Longer, Tries } from "./probe.ts";

/** Attempts to break what an attack left standing, and looks at how it ended. */
export interface AttackProbes {
  /** Samples that the attack left standing, of which some were tried. */
  standing: number;
  moreSteps: Longer | null;
  moreRestarts: Tries | null;
  moreDraws: Averaged | null;
  /** Of a search on a model without a gradient. */
  moreQueries: Tries | null;
  /**
   * Success by draws a gradient, on samples that the attack may have broken as well.
   */
  course: Drawn[] | null;
  /** The same attack on the candidate behind a defence that is known to be broken. */
  control: BrokenControl | null;
  unbounded: Tries | null;
  /** Null where nothing else can be tried. */
  otherMeans: ByOtherMeans | null;
  noise: Tries;
  /** Draws of noise of each sample. */
  noiseDraws: number;
  /** Of the gradient against differences, where the attack stopped. */
  gradientError: number | null;
  /** The same over steps of an attack's size. */
  alongSteps: AlongSteps | null;
  /** How the margin falls where the label changes; null where nobody can look. */
  atBoundary: JumpAtBoundary | null;
  /** Share of the standing samples whose loss still rose at the end. */
  rising: number | null;
}
