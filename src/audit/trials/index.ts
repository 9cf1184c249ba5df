// Attacks on the fine-tuning, each kind by its protocol.
export { trialChecks } from "./checks.ts";
export { trialWorks } from "./works.ts";
