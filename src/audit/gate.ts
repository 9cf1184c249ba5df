export { evaluateGate } from "./gate/evaluate.ts";
export { namesOf } from "./gate/groups.ts";
export {
  checkGateNames,
  type GateConfig,
  type GateNames,
  gateSchema,
} from "./gate/rules.ts";
export type { GateInput } from "./gate/subjects.ts";
