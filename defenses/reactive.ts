import type { z } from "zod";
import type { Explained, Need } from "#core";
import type { Fit } from "./fit.ts";

/** What sanitizers and detectors have in common. */
export interface ReactiveDefense<S extends z.ZodObject> extends Explained {
  readonly id: string;
  readonly title: string;
  /** Authors, year and arXiv id. */
  readonly reference: string;
  /** What the samples have to be; anything when left out. */
  readonly needs?: readonly Need[];
  readonly params: S;
  /**
   * How an adaptive attack differentiates it: "exact" by its own gradient,
   * "straight-through" as if it, or a sanitizer in it, were the identity (BPDA).
   */
  readonly gradient: "exact" | "straight-through";
  /** Finds the constants that `build` needs; once for each model that is protected. */
  readonly fit?: Fit<z.output<S>>;
}
