// Radii that are proved by noise.
export { certificates } from "./certificates.ts";
export { certifiedAt, largestRadius } from "./smoothing.ts";
