// Two runs beside each other: what became better or worse, and what cannot be compared.
export { baselineFor, baselineOf } from "./baseline.ts";
export { compareResults } from "./compare.ts";
export { failedIn, requireOwnFolder } from "./folder.ts";
export { type Counted, numbersOf } from "./numbers.ts";
export { readResults } from "./read.ts";
