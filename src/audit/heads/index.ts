// Several heads on one trunk: each other's examples, and all at once.
export { crossTask } from "./cross-task.ts";
