import { checkpoints } from "./checkpoints.ts";
import { constant } from "./constant.ts";
import { cosine } from "./cosine.ts";
import { oneCycle } from "./one-cycle.ts";
import { plateau } from "./plateau.ts";
import type { Schedule } from "./schedule.ts";
import { slantedTriangular } from "./slanted-triangular.ts";
import { step } from "./step.ts";

/** Every schedule of the learning rate. A new one is a file and a line here. */
export const schedules: readonly Schedule[] = [
  constant,
  step,
  cosine,
  oneCycle,
  slantedTriangular,
  plateau,
  checkpoints,
];

export { type ScheduleFunction, scheduleOf } from "./from-function.ts";
export { type Course, defineSchedule, type Schedule } from "./schedule.ts";
