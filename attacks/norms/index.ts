import { l0 } from "./l0.ts";
import { l1 } from "./l1.ts";
import { l2 } from "./l2.ts";
import { linf } from "./linf.ts";
import { none } from "./none.ts";

/** Every way of measuring a perturbation. */
export const norms = { linf, l2, l1, l0, none } as const;

/** How the size of a perturbation is measured. */
export type Norm = keyof typeof norms;
