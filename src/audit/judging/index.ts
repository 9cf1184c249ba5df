// What cells say together: worst cases, seeds, curves, transfer, inheritance.
export { cleanDrop } from "./clean-drop.ts";
export { curves } from "./curves.ts";
export { compare } from "./domains.ts";
export { inheritance } from "./inheritance.ts";
export { seedSummaries } from "./seeds.ts";
export { transferResult } from "./transfer.ts";
export { checksOfReplays, replaysOn, worstCases } from "./worst-case.ts";
