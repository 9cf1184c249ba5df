// Cells once more: after each epoch, and on the source domain.
export { trajectories } from "./along-training.ts";
export { domains } from "./on-source.ts";
