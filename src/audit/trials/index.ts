// Attacks on the fine-tuning, each kind by its protocol.
export { runTrials } from "./run.ts";
