// Runs in a browser of this machine: read, compared, and watched while they go on.
export { openView, type View, type ViewOptions } from "./server.ts";
