import type { Model } from "#model";
import type { Candidate } from "../suite/index.ts";
import type { Known, ReadyModel, Workshop } from "./ready.ts";

/** A model of the run, and whether it was there before. */
export type Made = ReadyModel & { readonly reused: boolean };

/** How candidates of one kind come to be, from a base unless they are given. */
export interface Maker<C extends Candidate = Candidate> {
  /**
   * The model as far as it is known before anything is trained; throws what shows that
   * it cannot be made.
   */
  outline(candidate: C, known: Known, base: Model): Model | Promise<Model>;
  make(candidate: C, shop: Workshop, base: ReadyModel): Promise<Made>;
}
