import type { Model } from "#model";
import type { Candidate } from "../suite/index.ts";
import type { KeyPlace, Known, ReadyModel, Workshop } from "./ready.ts";

/** How candidates of one kind come to be, from a base unless they are given. */
export interface Maker<C extends Candidate = Candidate> {
  /**
   * The model as far as it is known before anything is trained; throws what shows that
   * it cannot be made.
   */
  outline(candidate: C, known: Known, base: Model): Model | Promise<Model>;
  /** Throws what its training would throw before the first step. */
  rehearse?(candidate: C, known: Known, base: Model): void;
  /**
   * Hash of all that the model is made of.
   *
   * @param base the same of the base; empty where there is none
   */
  key(candidate: C, place: KeyPlace, base: string): string;
  make(candidate: C, shop: Workshop, base: ReadyModel): Promise<ReadyModel>;
}
