// A look at a base before it is tuned.
export { type Scan, scanModel, scanWeights, writeScan } from "./scan.ts";
