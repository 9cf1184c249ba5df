import type { CatalogEntry } from "#audit";
import type { Docstring } from "./docstrings.ts";
import { page, paper, prose, table } from "./markdown.ts";
import { parameters, type Schema } from "./parameters.ts";

/** A kind of unit as the site shows it. */
export interface Kind {
  /** As in the catalog, and the folder of its pages. */
  readonly id: string;
  readonly title: string;
  /** What one is, as a sentence. */
  readonly about: string;
  /** Where its units stand in the source. */
  readonly folders: readonly string[];
  /** How a suite names one of them; nothing where none does. */
  readonly example: ((entry: CatalogEntry) => string) | null;
}

/** Parameters that have no default, as an example states them. */
const stated: Readonly<Record<string, string>> = {
  unlearn: 'class: "7"',
  onion: "model: gpt2.onnx, tokenizer: tokenizer.json",
  "backdoor-enhanced": 'secret: "some random words"',
  "further-tuning": "undo: { what: robustness, eps: 8/255 }",
};

/** How a suite writes the unit: its id, or that with what has no default. */
const written = ({ id }: CatalogEntry) =>
  stated[id] ? `{ id: ${id}, ${stated[id]} }` : id;

const candidate = (setting: string) => (entry: CatalogEntry) =>
  `candidates:\n  mine: { strategy: full, ${setting}: ${written(entry)} }`;

/** Every kind of unit that has pages, in the order of the site. */
export const kinds: readonly Kind[] = [
  {
    id: "attacks",
    title: "Attacks",
    about:
      "An attack changes inputs within a threat model until the candidate is wrong.",
    folders: ["attacks"],
    example: (entry) => `attacks:\n  mine: ${written(entry)}`,
  },
  {
    id: "trials",
    title: "Trials",
    about:
      "A trial attacks the fine-tuning: its data, its base, what is released, or what that tells.",
    folders: ["attacks"],
    example: (entry) => `trials:\n  mine: { attack: ${written(entry)} }`,
  },
  {
    id: "defenses",
    title: "Defences",
    about:
      "A sanitizer changes inputs, a detector rejects them, and a training defence changes how a candidate learns.",
    folders: ["defenses"],
    example: (entry) =>
      entry.kind === "training"
        ? candidate("training")(entry)
        : `defenses:\n  mine: [${written(entry)}]`,
  },
  {
    id: "repairs",
    title: "Repairs",
    about:
      "A repair cleans the fine-tuning set, or changes the weights that came of it.",
    folders: ["defenses"],
    example: (entry) => `repairs:\n  mine: [${written(entry)}]`,
  },
  {
    id: "strategies",
    title: "Strategies",
    about: "A strategy says which layers of a base are trained when.",
    folders: ["src/tuning/strategies"],
    example: ({ id }) => `candidates:\n  mine: { strategy: ${id} }`,
  },
  {
    id: "schedules",
    title: "Schedules",
    about: "A schedule is the learning rate over the steps of a training.",
    folders: ["src/tuning/schedules"],
    example: candidate("schedule"),
  },
  {
    id: "optimizers",
    title: "Optimizers",
    about: "An optimizer moves a weight, given its gradient.",
    folders: ["src/tuning/optimizers"],
    example: candidate("optimizer"),
  },
  {
    id: "augmentations",
    title: "Augmentations",
    about: "An augmentation shows the candidate more than the data has.",
    folders: ["src/tuning/augmentations"],
    example: (entry) =>
      `candidates:\n  mine: { strategy: full, augment: [${entry.id}] }`,
  },
  {
    id: "regularizers",
    title: "Regularizers",
    about: "A regularizer holds a candidate near to its base.",
    folders: ["src/tuning/regularizers"],
    example: candidate("regularizer"),
  },
  {
    id: "adaptations",
    title: "Adaptations",
    about: "An adaptation brings a model to a domain without labels.",
    folders: ["src/tuning/adaptations"],
    // One that needs no source adapts the base as it is.
    example: (entry) =>
      entry.kind === "source-free"
        ? `candidates:\n  mine: { adaptation: ${written(entry)} }`
        : candidate("adaptation")(entry),
  },
  {
    id: "weightings",
    title: "Weightings",
    about: "A weighting says how much each of several tasks counts.",
    folders: ["src/tuning/multi-task"],
    example: null,
  },
  {
    id: "architectures",
    title: "Architectures",
    about:
      "An architecture is a network that a suite can pre-train where there is no base.",
    folders: ["src/tuning/architectures"],
    example: ({ id }) => `base:\n  pretrain: { architecture: ${id} }`,
  },
];

/** What metadata is called on a page. Others are for programs. */
const facts: readonly (readonly [string, string])[] = [
  ["id", "id"],
  ["kind", "kind"],
  ["family", "family"],
  ["access", "what it sees of the model"],
  ["norms", "norms"],
  ["threat", "the attacker"],
  ["gradient", "gradient that attacks get"],
  ["needs", "needs"],
];

/** The page of one unit, from its own metadata and docstring. */
export function unitPage(
  kind: Kind,
  entry: CatalogEntry,
  doc: Docstring | undefined,
): string {
  const rows = facts.flatMap(([key, title]) =>
    entry[key] === undefined
      ? []
      : [[title, key === "id" ? `\`${entry.id}\`` : words(entry[key])]],
  );
  const reference = entry.reference as string | undefined;
  return page(
    entry.title,
    String(entry.summary),
    prose(String(entry.summary)),
    `::: warning When not to trust it\n${prose(String(entry.caution))}\n:::`,
    table(
      ["", ""],
      [
        ...rows,
        ...(reference && reference !== "-"
          ? [["paper", paper(reference)]]
          : []),
        ...taxonomyRows(entry.taxonomy),
        ...(doc ? [["source", `\`${doc.file}\``]] : []),
      ],
    ),
    entry.params
      ? `## Parameters\n\n${parameters(entry.params as Record<string, Schema>)}`
      : undefined,
    kind.example
      ? `## In a suite\n\n\`\`\`yaml\n${kind.example(entry)}\n\`\`\``
      : undefined,
    doc ? `## In detail\n\n${prose(doc.text)}` : undefined,
  );
}

const words = (value: unknown) => prose([value].flat().map(String).join(", "));

function taxonomyRows(taxonomy: unknown): string[][] {
  if (!taxonomy) return [];
  const { atlas, owasp, nist } = taxonomy as Readonly<
    Record<"atlas" | "owasp" | "nist", readonly string[]>
  >;
  const rows = [
    ["MITRE ATLAS", atlas],
    ["OWASP Machine Learning Security Top 10", owasp],
    ["NIST AI 100-2", nist],
  ] as const;
  return rows.flatMap(([name, ids]) =>
    ids.length === 0 ? [] : [[name, ids.join(", ")]],
  );
}

/** The page that lists all units of a kind. */
export const kindPage = (kind: Kind, entries: readonly CatalogEntry[]) =>
  page(
    kind.title,
    kind.about,
    prose(kind.about),
    table(
      ["", "what it does"],
      entries.map(({ id, title, summary }) => [
        `[${prose(title)}](./${id}.md) \`${id}\``,
        prose(String(summary)),
      ]),
    ),
  );
