import { createHash } from "node:crypto";
import { decimal, percent, withoutUnseen } from "#core";
import type {
  Cell,
  Finding,
  Inheritance,
  Norm,
  Rate,
  Results,
  Trial,
} from "#results";

export { mainThreats } from "#results";

/** An interval as "[66.0, 77.5]", in percent. */
export const interval = ({ low, high }: Pick<Rate, "low" | "high">): string =>
  `[${decimal(100 * low)}, ${decimal(100 * high)}]`;

/** A number with three digits that count; whole ones as they are. */
export const numberText = (value: number): string =>
  Number.isInteger(value)
    ? whole(value)
    : String(Number(value.toPrecision(3))).replace(/^-/, "−");

/** A measure with its interval, as "0.834 [0.612, 0.951]". */
export function measureText(
  value: number,
  ends?: Pick<Rate, "low" | "high">,
): string {
  return ends
    ? `${numberText(value)} [${numberText(ends.low)}, ${numberText(ends.high)}]`
    : numberText(value);
}

/** A difference of shares as "+5.0 points". */
export const points = (difference: number): string =>
  `${difference < 0 ? "−" : "+"}${Math.abs(100 * difference).toFixed(1)} points`;

/** A p-value as people write it. */
export const pValue = (p: number): string =>
  p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(3)}`;

/** 61064 as "61,064", without the machine's locale. */
export const whole = (n: number): string =>
  String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

/** Text from outside without the characters that nobody sees. */
export const plain = withoutUnseen;

/** Text in which halves of pairs, which no encoding has, are U+FFFD. */
export const wellFormed = (text: string): string =>
  text.replace(/\p{Cs}/gu, "\ufffd");

/** How the columns of a table reach a model that was given, and how that is known. */
export const unitsInWords = ({
  taken,
  why,
}: NonNullable<Results["candidates"][number]["units"]>): string =>
  `${taken === "raw" ? "as they are" : "scaled to [0, 1]"}: ${plain(why)}`;

/** What the file of a given model answers as it is, beside what is attacked. */
export const shippedInWords = ({
  compared,
  apart,
  by,
  why,
}: NonNullable<Results["candidates"][number]["shipped"]>): string =>
  why === null
    ? `answers ${apart} of ${whole(compared)} samples otherwise than the graph that was attacked (run by ${by})`
    : `not compared with the graph that was attacked: ${plain(why)}`;

/** A module from outside, with the units that it brought. */
export const moduleInWords = ({
  name,
  version,
  hash,
  units,
}: NonNullable<Results["provenance"]["modules"]>[number]): string =>
  `${plain(name)}${version ? ` ${plain(version)}` : ""} with ${units.map(({ kind, id }) => `${plain(kind)} ${plain(id)}`).join(", ")} (sha256 ${hash})`;

/** The same of a sentence, whose numbers stay with their units. */
export const unbroken = (text: string): string =>
  plain(text).replace(/(\d) (?=%|points\b|samples\b)/g, "$1\u00a0");

/** How often chance alone decides a gate; null where it does not say. */
export const errorsInWords = ({ errors }: Results["gate"]): string | null =>
  errors && errors.rows > 0
    ? `Chance alone fails this gate in at most ${percent(errors.falseFailure)} of runs where every number meets its limit, and passes it in at most ${percent(errors.falsePass)} where one does not: ${errors.rows === 1 ? "one number with an interval is" : `${errors.rows} numbers with intervals are`} judged.`
    : null;

/** An id for an element: readable, unique, and the same in every run. */
export function anchor(kind: string, name: string): string {
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  return `${kind}-${slug.slice(0, 40)}-${createHash("sha256").update(name).digest("hex").slice(0, 6)}`;
}

const normNames: Readonly<Record<Norm, string>> = {
  linf: "L∞",
  l2: "L2",
  l1: "L1",
  l0: "L0",
  edits: "edits",
  none: "the attack's own budget",
};

/** How a norm is written. */
export const normName = (norm: Norm): string => normNames[norm];

/** Whether the samples are texts, of which nothing that is said of numbers holds. */
export const isText = ({ provenance }: Results): boolean =>
  ["text", "tagged-text"].includes(provenance.data.source);

/** Cells that were attacked until the gate was decided, which stand nowhere else. */
export const decidedCells = ({ decisions = [] }: Results): Cell[] =>
  decisions.flatMap(({ cells }) => cells);

/** How many samples it took to decide the gate, where its rules asked for no more. */
export function earlyInWords({ decisions = [] }: Results): string | null {
  if (decisions.length === 0) return null;
  const attacked = decisions.reduce((sum, one) => sum + one.attacked, 0);
  const all = decisions.reduce((sum, one) => sum + one.of, 0);
  return `Decided on ${whole(attacked)} of ${whole(all)} samples.`;
}

/** Whether the samples are rows of a table. */
export const isTable = ({ provenance, gallery }: Results): boolean =>
  gallery.length === 0 &&
  ["loans", "csv", "parquet", "arrow"].includes(provenance.data.source);

/** Whether the samples are images, as far as their source or a picture shows it. */
export const isImages = ({ provenance, gallery }: Results): boolean =>
  gallery.length > 0 ||
  ["digits", "idx", "image-folder", "image-masks"].includes(
    provenance.data.source,
  );

/** What an attacker may change, in words. */
export const budget = ({ norm, eps }: { norm: Norm; eps: number }): string =>
  norm === "none"
    ? normName(norm)
    : norm === "edits"
      ? `up to ${eps} ${eps === 1 ? "edit" : "edits"}`
      : `${normName(norm)}, ε = ${Number(eps.toPrecision(4))}`;

/**
 * Clean accuracy of a candidate: undefended on the whole test split, behind a defence
 * on the attacked samples; null when no cell tells.
 */
export function cleanBehind(
  results: Results,
  candidate: Results["candidates"][number],
  defense: string,
): Rate | null {
  if (defense === "none") return candidate.cleanAccuracy;
  const cell = results.cells.find(
    (c) => c.candidate === candidate.id && c.defense === defense,
  );
  return cell?.cleanAccuracy ?? null;
}

/** The number of a trial that matters most. */
export const headline = ({ findings }: Trial): Finding | undefined =>
  findings.find((f) => f.role === "headline");

/** A finding in words, with its interval where it has one. */
export function findingText({
  unit,
  value,
  low,
  high,
}: Pick<Finding, "unit" | "value" | "low" | "high">) {
  const said = unit === "share" ? percent : numberText;
  const ends = unit === "share" ? (v: number) => decimal(100 * v) : numberText;
  const bounds = [low, high].filter((v) => v !== null);
  return {
    text:
      value !== null
        ? said(value)
        : low !== null
          ? `more than ${said(low)}`
          : "nothing to measure",
    interval: bounds.length === 2 ? `[${bounds.map(ends).join(", ")}]` : "",
  };
}

/**
 * How a candidate was made: its strategy, the defences it was trained with, and its
 * place among several tasks.
 */
export const madeBy = (c: Results["candidates"][number]): string =>
  [
    c.strategy?.title ?? (c.adaptation ? undefined : "given"),
    c.adaptation?.title,
    c.training?.title,
    ...(c.moreTraining ?? []).map((t) => t.title),
    c.member &&
      `task ${plain(c.member.task)}${c.member.tasks.length > 1 ? ` of ${c.member.tasks.map(plain).join(", ")}` : ""}`,
    c.member && c.member.tasks.length > 1 && c.member.weighting?.title,
  ]
    .filter(Boolean)
    .join(" + ");

/** A multiple beyond this says only that the reference had next to nothing. */
const MOST_RETAINED = 10;

/** Robust accuracy over that of the reference, in words. */
export function retained({ retained: share }: Inheritance) {
  if (!share)
    return { value: "nothing, since there was nothing", interval: "" };
  // Of next to nothing anything is a multiple without a meaning.
  if (share.value > MOST_RETAINED)
    return { value: "many times the little that there was", interval: "" };
  const high = share.high === null ? "no end" : (100 * share.high).toFixed(1);
  return {
    value: percent(share.value),
    interval: `[${(100 * share.low).toFixed(1)}, ${high}]`,
  };
}

/** Colour steps of a share; the classes h0 to h8 are in the style sheet. */
const TONES = 9;

/** The class of the colour of a share: dark is 0, bright is 1. */
export const tone = (share: number): string =>
  `h${Math.min(TONES - 1, Math.floor(share * TONES))}`;

/**
 * Attacks on all heads of a trunk at once, which are judged as cells are, named by the
 * head that was asked.
 */
export const onAllHeads = ({ crossTask = [] }: Results) =>
  crossTask.flatMap(({ candidate, attack, threatModel, trusted, checks }) =>
    checks
      ? [
          {
            id: `${candidate}/none/${attack} on all heads@${threatModel}`,
            candidate,
            trusted,
            checks,
          },
        ]
      : [],
  );
