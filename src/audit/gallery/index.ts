// Examples to look at.
export { gallery } from "./examples.ts";
export { canBeShown, picture } from "./picture.ts";
