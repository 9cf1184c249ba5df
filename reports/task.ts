import type { Results } from "#results";
import { isText } from "./format.ts";

/** What a model of these results does, as Hugging Face names tasks. */
export function taskOf(results: Results): string {
  const { task, gallery } = results;
  const areImages = gallery.length > 0;
  if (task?.kind === "lm") return "text-generation";
  if (task?.kind === "positions")
    return isText(results)
      ? "token-classification"
      : areImages
        ? "image-segmentation"
        : "other";
  if (isText(results)) return "text-classification";
  if (task?.kind === "regression") return "tabular-regression";
  return areImages ? "image-classification" : "other";
}
