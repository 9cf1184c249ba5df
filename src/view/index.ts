// Runs in a browser of this machine: read, compared, and watched while they go on.
export { type ReadExamples, readFrom } from "./examples.ts";
export { openView, type View, type ViewOptions } from "./server.ts";
