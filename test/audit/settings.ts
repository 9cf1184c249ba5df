import type { TrainingSettings } from "#tuning";
import type { Suite } from "../../src/audit/suite/schema.ts";

/** How a suite fine-tunes a candidate. */
export function settingsOf(
  { candidates }: Suite,
  id: string,
): TrainingSettings {
  const candidate = candidates[id];
  if (candidate?.kind !== "tuned" && candidate?.kind !== "member")
    throw new Error(`${id} is not fine-tuned`);
  return candidate.settings;
}
