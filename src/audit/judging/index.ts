// What cells say together: worst cases, seeds, curves, transfer, inheritance.
export { cleanDrop } from "./clean-drop.ts";
export { curves } from "./curves.ts";
export { judgeDecisions, type Undecided } from "./decided.ts";
export { compare, domains } from "./domains.ts";
export { inheritance } from "./inheritance.ts";
export { seedSummaries } from "./seeds.ts";
export { transfers } from "./transfer.ts";
export {
  type AcrossHeads,
  type Followed,
  judgeCells,
  judgeEpochs,
  judgeHeads,
  type Looks,
  type Scored,
} from "./trusted.ts";
export { checksOfReplays, replaysOn, worstCases } from "./worst-case.ts";
