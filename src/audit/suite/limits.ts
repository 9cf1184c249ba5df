import { z } from "zod";
import { bytes, seconds } from "#core";

/** What a run may take; anything when left out. No result depends on it. */
export const limitsSchema = z.strictObject({
  /** Of one work, such as making the examples of a cell; what takes longer fails. */
  work: seconds.optional(),
  /** Of all works; what is not done by then is missing, and the rest is judged. */
  run: seconds.optional(),
  /** Of each worker; the work of one that takes more fails. */
  memory: bytes.optional(),
});

/** Seconds and bytes. */
export type RunLimits = z.output<typeof limitsSchema>;
