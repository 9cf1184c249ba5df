import { samples } from "../../words.ts";
import type { TrustCheck } from "../check.ts";

/** What the attack sees of clean samples is what the model says of them. */
export const cleanPreflight: TrustCheck = {
  id: "clean-preflight",
  title: "The attack saw the reported model",
  summary:
    "Whether the attack saw the model that is reported: the same clean predictions on its path, preprocessing that helps rather than harms, and the answers of the file as it was given.",
  meaning:
    "A failure says that another model was attacked than the one that is deployed, most often by preprocessing that is applied twice or not at all.",
  advice:
    "Compare `mean`, `std`, bounds and layout of the suite with what the exporter put into the file; `assay inspect` shows both.",
  judge({ cleanMismatch, outcomes, faults }) {
    if (faults.length > 0) {
      return { status: "failed", message: faults.join(" ") };
    }
    if (cleanMismatch === 0) {
      return {
        status: "passed",
        message: `All ${samples(outcomes.length)} are classified alike on the attack's path and by the model itself.`,
      };
    }
    return {
      status: "failed",
      message: `${samples(cleanMismatch)} of ${outcomes.length} ${cleanMismatch === 1 ? "is" : "are"} classified otherwise on the attack's path than by the model itself: check preprocessing, and randomness that is not seeded.`,
    };
  },
};
