import { headInput } from "#model";
import type { LossGraph } from "../part.ts";
import { TARGET } from "./adaptation.ts";

/** What the head reads of the rows of both domains, each [N, width]. */
export interface Features {
  readonly source: string;
  readonly target: string;
  readonly width: number;
}

export function featuresOf(g: LossGraph): Features {
  const features = headInput(g.model);
  const width = g.b.dims(features)?.at(-1);
  return {
    source: g.rows(features),
    target: g.rows(features, TARGET),
    width: typeof width === "number" ? width : 1,
  };
}
