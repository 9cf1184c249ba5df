import { z } from "zod";

/** Why something that was planned has no result. */
export const failureSchema = z.strictObject({
  /** What was to be done, such as "cell full/none/pgd@linf". */
  work: z.string(),
  kind: z.string(),
  code: z.string(),
  message: z.string(),
  hint: z.string(),
  /** What failed before it, where it is not itself what failed. */
  because: z.string().nullable(),
});
