export { type Kind, kinds, type UnitOf } from "./kinds.ts";
export {
  type Brought,
  loadModules,
  type UnitModule,
  withModules,
} from "./load.ts";
export { kindOf, marked } from "./mark.ts";
export { type Judge, ownUnits, reactiveOf, type Units } from "./units.ts";
