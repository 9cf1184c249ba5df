// Cells once more: after each epoch, and on the source domain.
export { attackEpochs } from "./along-training.ts";
export { attackSource } from "./on-source.ts";
