import { AssayError } from "#core";

/** A hand did not live to the end of a work: it was killed, or it crashed. */
export class HandDied extends AssayError {
  override name = "HandDied";
  /** How it died, as the end of a sentence. */
  readonly how: string;

  constructor(how: string) {
    super(
      "WORKER_DIED",
      `the worker that computed it ${how}`,
      "Where it died for want of memory, use fewer workers; where a model crashes what runs it, `assay inspect` tells which.",
    );
    this.how = how;
  }
}

/** There is nobody who could do any work. */
export class NoHands extends AssayError {
  override name = "NoHands";
}
