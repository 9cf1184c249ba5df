// The unit of work, and who does it.
export * from "./work.ts";
