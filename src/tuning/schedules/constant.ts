import { z } from "zod";
import { defineSchedule } from "./schedule.ts";

/** The stated rate throughout. */
export const constant = defineSchedule({
  id: "constant",
  title: "Constant",
  reference: "-",
  params: z.strictObject({}),
  course: () => ({ factor: () => 1 }),
});
