// The samples of each task: read, labelled, split, and checked against a model.
export { checkFits, checkTargets } from "./fits.ts";
export {
  evenly,
  judgedOn,
  type Parts,
  type PreparedData,
  type TaskData,
} from "./parts.ts";
export { prepareData, SHARES } from "./prepare.ts";
export { shifted } from "./shift.ts";
