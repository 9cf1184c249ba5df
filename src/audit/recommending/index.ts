// Which candidate to take, as far as the numbers and the gate tell.
export { recommend } from "./recommend.ts";
