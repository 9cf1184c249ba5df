import { UsageError } from "#core";
import type { Suite } from "../suite/index.ts";

/** Whether the samples of a suite are texts with a class for each word. */
const isTagged = (suite: Suite): boolean => suite.data.source === "tagged-text";

/** Whether the samples of a suite are texts. */
const isText = (suite: Suite): boolean =>
  suite.data.source === "text" || isTagged(suite);

/** Whether the samples of a suite are prompts with answers. */
const isLanguage = (suite: Suite): boolean => suite.task?.kind === "lm";

/** Whether texts are to be tuned on and measured, and not attacked. */
export const isOnlyMeasured = (suite: Suite): boolean =>
  (isText(suite) || isLanguage(suite)) &&
  Object.keys(suite.attacks).length === 0 &&
  Object.keys(suite.threatModels).length === 0;

/**
 * Refuses what is defined for numbers where the data is text, and the other way round.
 */
export function checkKind(suite: Suite, file: string): void {
  if (isLanguage(suite)) {
    refuseInputs(suite, file);
    return;
  }
  if (isTagged(suite)) refuseRepairs(suite, file);
  const text = isText(suite);
  const { attacks, defenses, threatModels, sweep, base } = suite;
  const first = <T>(
    all: Readonly<Record<string, T>>,
    is: (one: T) => boolean,
  ) => Object.entries(all).find(([, one]) => is(one))?.[0];
  const attack = first(attacks, ({ unit }) => (unit.kind === "text") !== text);
  const defense = first(defenses, (parts) =>
    parts.some(({ unit }) => (unit.kind === "text-sanitizer") !== text),
  );
  const threat = first(threatModels, ({ norm }) => (norm === "edits") !== text);
  const unfit: Record<string, boolean> = {
    [`attacks.${attack}`]: attack !== undefined,
    [`defenses.${defense}`]: defense !== undefined,
    [`threatModels.${threat}`]: threat !== undefined,
    sweep: sweep !== undefined && (sweep.norm === "edits") !== text,
    shift: text && suite.shift.length > 0,
    certify: text && suite.certify !== undefined,
    "base.pretrain": text && base?.pretrain !== undefined,
  };
  for (const [key, stated] of Object.entries(unfit)) {
    if (!stated) continue;
    const [kind = ""] = key.split(".");
    throw new UsageError(
      "SUITE_INVALID",
      text
        ? `${file}: ${key} works on numbers, the data is text`
        : `${file}: ${key} works on texts, the data is numbers`,
      (text ? hints[kind] : undefined) ?? "Leave it out.",
    );
  }
}

/** Refuses what changes single inputs, or their classes, of a language model. */
function refuseInputs(suite: Suite, file: string): void {
  const { attacks, defenses, threatModels, sweep, certify, shift, classes } =
    suite;
  const stated = Object.entries({
    attacks: Object.keys(attacks).length > 0,
    defenses: Object.keys(defenses).length > 0,
    threatModels: Object.keys(threatModels).length > 0,
    sweep: sweep !== undefined,
    certify: certify !== undefined,
    shift: shift.length > 0,
    classes: classes !== undefined,
  }).find(([, is]) => is);
  if (stated)
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: ${stated[0]} is about inputs with a class, the task is a language model`,
      "Leave it out, and attack the fine-tuning: trials: { harmful: { attack: harmful-tuning } }.",
    );
}

/** Refuses what changes texts whose words have a class each, before they are read. */
function refuseRepairs({ defenses }: Suite, file: string): void {
  for (const name of Object.keys(defenses))
    throw new UsageError(
      "SUITE_INVALID",
      `${file}: defenses.${name} repairs whole texts, the data has a class for each word, which a repair may move`,
      "Leave it out.",
    );
}

/** What there is for texts instead. */
const hints: Readonly<Record<string, string>> = {
  attacks: "Use bad-characters, textbugger, charmer or random-edits.",
  defenses: "Use unicode, spelling or onion.",
  threatModels: "State norm: edits, and eps as a number of characters.",
  sweep: "State norm: edits, and eps as numbers of characters.",
};
