import { schedules } from "#tuning";
import { scheduleLaws } from "../../src/conformance/index.ts";
import { lawful } from "./laws.ts";

lawful("schedule", schedules, (unit) => scheduleLaws(unit));
