import type { z } from "zod";
import { checkLayers } from "./check.ts";
import { readLayer } from "./layer.ts";

/**
 * Reads a YAML or JSON document that a person wrote and checks it by a schema.
 * Throws SUITE_INVALID, whose message names the place, the key path, what was
 * found and what was expected of up to five problems, one a line.
 */
export const parseDocument = <T>(
  text: string,
  file: string,
  schema: z.ZodType<T>,
): T => checkLayers([readLayer(text, file)], schema);
