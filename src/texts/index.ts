export { editsBetween, type Segment, segmentsOf } from "./edits.ts";
export { textRepairs } from "./repairs.ts";
export { foldUnicode, lookalikes } from "./unicode.ts";
