// Attacks on the fine-tuning, each kind by its protocol.
export { trialWorks } from "./works.ts";
