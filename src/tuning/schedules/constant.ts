import { z } from "zod";
import { defineSchedule } from "./schedule.ts";

/** The stated rate throughout. */
export const constant = defineSchedule({
  id: "constant",
  title: "Constant",
  summary: "The stated rate throughout.",
  caution:
    "Training ends at the full rate, so the last weights are noisy; the epoch that is kept is chosen by validation.",
  reference: "-",
  params: z.strictObject({}),
  course: () => ({ factor: () => 1 }),
});
