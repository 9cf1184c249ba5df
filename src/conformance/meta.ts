import type { z } from "zod";
import { type Kind, kinds } from "#units";
import { ensure, type Law } from "./law.ts";

/** What every unit that has parameters says of itself. */
export const saysWhatItIs = (
  kind: Kind,
  unit: { readonly id: string; readonly params: z.ZodObject },
): Law => ({
  title: "says what it is, and refuses parameters that it does not have",
  async check() {
    const { error } = kinds[kind].shape.safeParse(unit);
    const [issue] = error?.issues ?? [];
    ensure(
      issue === undefined,
      `${issue?.path.map(String).join(".")}: ${issue?.message}`,
    );
    ensure(
      !unit.params.safeParse({ nonsense: 1 }).success,
      'a parameter "nonsense" is taken',
    );
  },
});
