// A look at a base before it is tuned.
export { type Scan, scanModel, writeScan } from "./scan.ts";
