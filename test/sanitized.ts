export { sanitized } from "../src/conformance/sanitizers.ts";
