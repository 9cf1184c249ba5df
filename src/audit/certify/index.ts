// Radii that are proved by noise.
export { certificates } from "./certificates.ts";
export {
  certifiedAt,
  certify,
  largestRadius,
  predictSmoothed,
} from "./smoothing.ts";
