import type { Results } from "#results";

/** What this audit did not test, so that nobody takes silence for safety. */
export function limitsView(results: Results): string[] {
  const used = new Set(results.cells.map((c) => c.threatModel.access));
  const norms = new Set(results.cells.map((c) => c.threatModel.norm));
  const searching = results.attacks.some(
    (a) => a.access === "score" || (a.access === "label" && a.id !== "noise"),
  );
  return [
    ...(norms.has("l2") ? [] : ["Perturbations measured in L2."]),
    ...(norms.has("linf") ? [] : ["Perturbations measured in L∞."]),
    "Perturbations measured in L0 or L1, patches, rotations, and common corruptions.",
    ...(used.has("gradient")
      ? []
      : ["White-box attacks: nobody with the weights was assumed."]),
    ...(searching
      ? []
      : [
          "Attacks that only query the model (scores or labels); they find what masked gradients hide.",
        ]),
    ...(used.has("base") ? [] : ["Transfer from the public base model."]),
    "Poisoned or backdoored training data, and a backdoored base.",
    "Privacy of the training data, and extraction of the model.",
    "Tampering with the released weights.",
  ];
}
