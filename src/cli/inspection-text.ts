import { percent } from "#core";
import type { Inspection } from "#model";
import { coloursFor } from "./colour.ts";
import { columns } from "./format.ts";

type Value = Inspection["inputs"][number];

/** More groups than these are shortened. */
const MOST_GROUPS = 16;
/** Of those that are too many, how many are shown at either end. */
const ENDS = 7;
/** More classes than these are only counted. */
const MOST_CLASSES = 10;

/**
 * An inspection as people read it: the verdict first, then details, then
 * what is in the way.
 */
export function inspectionText(
  i: Inspection,
  { all }: { all: boolean },
): string {
  const pc = coloursFor(process.stdout);
  const section = (title: string, lines: readonly string[]) =>
    lines.length > 0
      ? ["", pc.bold(title), ...lines.map((line) => `  ${line}`)]
      : [];
  return `${[
    pc.bold(i.file),
    ...summary(i).map((line) => `  ${line}`),
    ...section("Input", inputs(i)),
    ...section("Output", outputs(i)),
    ...section("Gradient", gradient(i, pc)),
    ...section("Layer groups", groups(i, all)),
    ...section("Operators", [operators(i)]),
    ...section(
      "Good to know",
      i.notes.map((note) => `- ${note}`),
    ),
    ...section(
      "What keeps it from working",
      i.problems.flatMap(({ message, hint }) => [
        pc.red(message),
        `→ ${hint}`,
        ...optionFor(message).map((option) => `→ Here: ${option}`),
      ]),
    ),
  ].join("\n")}\n`;
}

function summary(i: Inspection): string[] {
  const { title, evidence } = i.family;
  const why = evidence.length > 0 ? `: ${evidence.join(", ")}` : "";
  return [
    title === "unknown" ? "of a kind that is not recognised" : title + why,
    `${i.producer || "unknown producer"}, opset ${i.opset}, ${number(i.parameters)} parameters, ${megabytes(i.stored.bytes)}`,
  ];
}

function inputs({ inputs: all, reading }: Inspection): string[] {
  return columnsOf(
    all.map((value) => {
      if (!reading) return [described(value), ""];
      if (value.name === reading.attacked) {
        const [low, high] = reading.bounds;
        const assumed = reading.boundsKnown ? "" : " (assumed; --bounds)";
        return [
          described(value),
          reading.point === "embeddings"
            ? "attacked at its embeddings"
            : `attacked, values from ${low} to ${high}${assumed}`,
        ];
      }
      const what = reading.others[value.name];
      return [
        described(value),
        what === "mask"
          ? `filled with 1, and 0 where ${reading.attacked} is ${reading.padding} (padding)`
          : what === "positions"
            ? "filled with 0, 1, 2 …"
            : `filled with ${what}`,
      ];
    }),
  );
}

/** What outputs are called by what they mean. */
const called = {
  classes: "classes",
  "multi-label": "labels, each of which holds or not",
  regression: "numbers",
  positions: "classes at each position",
  ctc: "classes at each step, the blank first",
  lm: "tokens at each position",
};

function outputs(i: Inspection): string[] {
  const { outputs: all, classes, reading, task } = i;
  const names = classes ?? [];
  const plural = called[task ?? "classes"];
  const what = names.length === 1 ? plural.replace(/s\b/, "") : plural;
  const shown =
    names.length === 0
      ? []
      : names.every((name, i) => name === String(i))
        ? [`${number(names.length)} ${what}, without names (--classes)`]
        : [
            `${number(names.length)} ${what}: ${names.slice(0, MOST_CLASSES).join(", ")}${names.length > MOST_CLASSES ? " …" : ""}`,
          ];
  const values = all.map((value) => [
    described(value),
    reading?.logits.output === value.name
      ? task === "regression"
        ? "the values"
        : madeOf[reading.logits.from]
      : "",
  ]);
  return [...columnsOf(values), ...shown];
}

/** What an output is called by what the logits are of it. */
const madeOf: Readonly<
  Record<NonNullable<Inspection["reading"]>["logits"]["from"], string>
> = {
  output: "the logits",
  softmax: "a Softmax of the logits",
  "log-softmax": "a LogSoftmax of the logits",
  sigmoid: "a Sigmoid of the logits",
  features: "features, for a head to come",
  probabilities: "shares of classes",
  "one logit": "one logit, or its Sigmoid",
};

const described = ({ name, type, dims }: Value) =>
  `${name}: ${type} [${dims?.map((d) => d ?? "?").join(", ") ?? "?"}]`;

type Colours = ReturnType<typeof coloursFor>;

function gradient({ gradient: g, reading }: Inspection, pc: Colours): string[] {
  const without = [...g.unsupported, ...g.steps].join(", ") || "none";
  if (!reading)
    return [
      pc.red("not tried, since it cannot be read as a classifier"),
      `operators without a gradient: ${without}`,
    ];
  const { zeroAt = 0, flatAt = 0, points = 0 } = g.selfCheck ?? {};
  const some = (n: number) => n > 0 && n < points;
  const weak = [
    ...(some(zeroAt) ? [`zero at ${zeroAt} of ${points} random inputs`] : []),
    ...(some(flatAt)
      ? [`too small to be compared at ${flatAt} of ${points} random inputs`]
      : []),
  ];
  return [
    verdict(g, pc),
    ...weak,
    `operators without a gradient on the way: ${without}`,
    ...(g.offTheWay.length > 0
      ? [`off the way (harmless): ${g.offTheWay.join(", ")}`]
      : []),
  ];
}

function verdict(
  { supported, selfCheck }: Inspection["gradient"],
  pc: Colours,
): string {
  if (!supported || !selfCheck) return pc.red("not supported");
  const { maxRelativeError, points, flatAt, zeroAt, agrees } = selfCheck;
  if (flatAt + zeroAt === points)
    return `${pc.green("supported")}, but too small at all ${points} random inputs to be compared with finite differences`;
  const error = `largest relative error ${maxRelativeError.toExponential(1)} at ${points} random inputs`;
  return agrees
    ? `${pc.green("supported")}, and agrees with finite differences (${error})`
    : `${pc.green("supported")}, straight through rounding (${error})`;
}

function groups(i: Inspection, all: boolean): string[] {
  if (i.groups.length === 0) return ["nothing that can be trained"];
  const share = i.parameters > 0 ? i.trainable / i.parameters : 0;
  const rows = i.groups.map((g) => [
    g.name,
    number(g.size),
    all ? g.parameters.join(" ") : weights(g.parameters.length),
  ]);
  const hidden = rows.length - 2 * ENDS;
  const shown =
    all || rows.length <= MOST_GROUPS
      ? rows
      : [
          ...rows.slice(0, ENDS),
          [`… ${hidden} more (--all lists them)`, "", ""],
          ...rows.slice(-ENDS),
        ];
  return [
    `would be trainable: ${number(i.trainable)} of ${number(i.parameters)} parameters (${percent(share)}), ${megabytes(4 * i.trainable)}`,
    "from input to output; the last is the head",
    ...columnsOf([["group", "parameters", "weights"], ...shown]),
    ...cuts(i.cuts, all),
  ];
}

/** Where a new head can be put. The last place is the usual one. */
function cuts(names: readonly string[], all: boolean): string[] {
  const usual = names.at(-1);
  if (usual === undefined) return [];
  const others = names.slice(0, -1).reverse();
  const shown = all ? others : others.slice(0, ENDS);
  const more = others.length - shown.length;
  const rest =
    others.length > 0
      ? `; \`cut\` in the suite puts it behind ${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`
      : "";
  return [`a new head goes behind ${usual}${rest}`];
}

const weights = (n: number) => `${n} ${n === 1 ? "weight" : "weights"}`;

const operators = (i: Inspection) =>
  Object.entries(i.operators)
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([op, n]) => `${op} ${n}`)
    .join(", ");

/** The option of this command that answers a problem. */
function optionFor(message: string): string[] {
  if (/is open|not recorded/.test(message) && /input/.test(message))
    return ["--shape with the sizes of one sample, such as 3,224,224 or 128"];
  if (/which of them is attacked/.test(message))
    return ["--input NAME, and --fill OTHER=0 for each of the others"];
  if (/what input "(.+?)" gets/.test(message)) return ["--fill NAME=0"];
  if (/outputs is not recorded/.test(message))
    return ["--classes with their number or names"];
  if (/logit of two classes, or a value/.test(message))
    return ["--task binary, or --task regression"];
  if (/an answer at each/.test(message))
    return ["--task positions, or --task ctc"];
  return [];
}

const columnsOf = (rows: readonly (readonly string[])[]) =>
  rows.length > 0 ? columns(rows).split("\n") : [];

const number = (n: number) => n.toLocaleString("en");

/** Bytes as "0.31 MB". */
function megabytes(bytes: number): string {
  const mb = bytes / 1e6;
  if (mb < 0.01) return "less than 0.01 MB";
  const digits = mb >= 100 ? 0 : mb >= 1 ? 1 : 2;
  return `${mb.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })} MB`;
}
