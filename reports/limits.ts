import type { Norm, Results } from "#results";
import { decidedCells, isImages, isTable, isText, normName } from "./format.ts";

const measured = ["linf", "l2", "l1", "l0"] as const;

/** Perturbations of numbers that were not tried. */
const otherNumbers = (results: Results, norms: ReadonlySet<Norm>): string[] => [
  ...untriedNorms(measured.filter((norm) => !norms.has(norm)).map(normName)),
  ...otherChanges(results, norms),
];

/** Changes of such samples that no norm measures. */
function otherChanges(results: Results, norms: ReadonlySet<Norm>): string[] {
  if (isTable(results))
    return [
      "Values that are missing, categories that were never seen, and rows that drift with time.",
    ];
  if (!isImages(results))
    return [
      "Changes that no norm measures, such as another scale, shifts, and values that are missing.",
    ];
  return norms.has("none")
    ? []
    : ["Patches, rotations, and common corruptions."];
}

const untriedNorms = (names: readonly string[]): string[] =>
  names.length === 0
    ? []
    : [
        `Perturbations measured in ${[names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" or ")}.`,
      ];

/** The same of a language model, which is asked prompts. */
function limitsOfLanguage(results: Results): string[] {
  const unless = (ids: readonly string[], sentence: string) =>
    results.trialAttacks.some(({ attack }) => attack && ids.includes(attack))
      ? []
      : [sentence];
  return [
    "Prompts in other words or languages, several turns, and jailbreaks that no trial here has.",
    "Suffixes that are searched for by gradients.",
    ...unless(
      ["harmful-tuning", "jailbreak-tuning", "identity-shifting"],
      "Harmful fine-tuning of the released weights.",
    ),
    ...unless(["interpolation"], "The way back to the public base."),
    ...unless(
      ["backdoor-tuning", "embedding-poisoning"],
      "Backdoors behind a trigger.",
    ),
    "Privacy of the fine-tuning data: what it repeats by heart.",
    "Poisoned fine-tuning data.",
  ];
}

/** What this audit did not test, so that nobody takes silence for safety. */
export function limitsOf(results: Results): string[] {
  if (results.task?.kind === "lm") return limitsOfLanguage(results);
  const cells = [...results.cells, ...decidedCells(results)];
  const used = new Set(cells.map((c) => c.threatModel.access));
  const norms = new Set(cells.map((c) => c.threatModel.norm));
  const searching = results.attacks.some((a) => a.family === "query");
  return [
    ...(isText(results)
      ? [
          ...(norms.has("edits") ? [] : ["Edits of characters."]),
          "Other words and other sentences of the same meaning, and texts in another order.",
          "Lookalikes and invisible characters that no attack here knows.",
        ]
      : otherNumbers(results, norms)),
    ...(used.has("gradient")
      ? []
      : ["White-box attacks: nobody with the weights was assumed."]),
    ...(searching
      ? []
      : [
          "Attacks that only query the model (scores or labels); they find what masked gradients hide.",
        ]),
    ...(used.has("base") ? [] : ["Transfer from the public base model."]),
    ...(cells.some((c) => c.detection)
      ? [
          "Attacks that want inputs rejected: a rejection is no wrong answer here.",
        ]
      : []),
    ...unlessTried(
      results,
      ["poisoning", "targeted-poisoning"],
      results.trialAttacks.some((a) => a.kind === "backdoor")
        ? "Poisoned fine-tuning data that needs no trigger."
        : "Poisoned fine-tuning data.",
    ),
    ...unlessTried(
      results,
      ["backdoor"],
      "Backdoors in the fine-tuning data or in the base.",
    ),
    ...unlessTried(
      results,
      ["membership"],
      "Privacy of the fine-tuning data: who was in it.",
    ),
    ...unlessTried(
      results,
      ["extraction"],
      "Extraction of the model by its answers.",
    ),
    ...unlessTried(
      results,
      ["tampering", "undo"],
      "Tampering with the released weights.",
    ),
  ];
}

const unlessTried = (
  { trialAttacks }: Results,
  kinds: readonly string[],
  sentence: string,
): string[] =>
  trialAttacks.some((a) => kinds.includes(a.kind)) ? [] : [sentence];
