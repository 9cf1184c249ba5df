export { type Judge, ownUnits, reactiveOf, type Units } from "./units.ts";
