/**
 * Matchers for the tests of one's own project, in Vitest or Jest:
 * `expect.extend(matchers)`.
 *
 * @module
 */
import { toBeRobust } from "./library/to-be-robust.ts";

export {
  type Matched,
  type Robustness,
  toBeRobust,
} from "./library/to-be-robust.ts";

import type { Robustness } from "./library/to-be-robust.ts";

/** All matchers, as `expect.extend` takes them. */
export const matchers = { toBeRobust };

/**
 * The same as types, for `declare module "vitest"` or `"expect"`:
 * `interface Matchers<T> extends RobustMatchers<T> {}`.
 */
export interface RobustMatchers<R = unknown> {
  toBeRobust(robustness: Robustness): R;
}
