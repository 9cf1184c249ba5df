import type { Offence } from "./audit.ts";
import { traps, type Verdict } from "./traps.ts";
import { type WorldId, worlds } from "./world.ts";

/** What a person may narrow; everything when left out. */
export interface Narrowed {
  readonly seeds: number;
  readonly worlds?: readonly string[];
  readonly models?: readonly string[];
  readonly attacks?: readonly string[];
}

const ATTACKS: readonly Offence[] = ["pgd", "autoattack"];

/**
 * Audits traps and honest models, seed by seed, and prints what came of each and the
 * table of docs/results.md.
 */
export async function printTraps(narrowed: Narrowed): Promise<void> {
  const named = <T extends string>(
    all: readonly T[],
    some?: readonly string[],
  ) => all.filter((one) => !some || some.includes(one));
  const verdicts: Verdict[] = [];
  for await (const verdict of traps({
    seeds: Array.from({ length: narrowed.seeds }, (_, i) => i + 1),
    worlds: named(Object.keys(worlds) as WorldId[], narrowed.worlds),
    models: narrowed.models,
    attacks: named(ATTACKS, narrowed.attacks),
  })) {
    verdicts.push(verdict);
    console.error(lineOf(verdict));
  }
  console.log(
    "| model | attack | data | numbers | said | truth | trusted | missed | false alarms |",
  );
  console.log("|---|---|---|---|---|---|---|---|---|");
  const groups = new Map<string, Verdict[]>();
  for (const verdict of verdicts) {
    const { model, attack, world } = verdict;
    const what = [model, attack, world].join(" | ");
    groups.set(what, [...(groups.get(what) ?? []), verdict]);
  }
  for (const [what, all] of groups)
    console.log(`| ${[what, ...totals(all)].join(" | ")} |`);
  for (const isTrap of [true, false])
    console.log(
      `| ${isTrap ? "traps" : "honest models"} | | | ${totals(verdicts.filter((v) => v.isTrap === isTrap)).join(" | ")} |`,
    );
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

function totals(all: readonly Verdict[]): (string | number)[] {
  const told = all.filter(({ robust }) => robust !== null);
  const mean = (of: readonly Verdict[], value: (v: Verdict) => number) =>
    of.length === 0
      ? "refused"
      : percent(of.reduce((sum, v) => sum + value(v), 0) / of.length);
  const count = (test: (v: Verdict) => boolean) => all.filter(test).length;
  return [
    all.length,
    mean(told, ({ robust }) => robust ?? 0),
    mean(all, ({ truth }) => truth),
    count(({ trusted }) => trusted),
    count(({ verdict }) => verdict === "missed"),
    count(({ verdict }) => verdict === "false alarm"),
  ];
}

const lineOf = ({ robust, truth, seconds, ...v }: Verdict) =>
  [
    `${v.world} ${v.seed} ${v.model} ${v.attack}: ${v.verdict},`,
    robust === null ? "refused," : `said ${percent(robust)},`,
    `truth ${percent(truth)}, ${v.trusted ? "trusted" : "withheld"}`,
    v.failed.length > 0 ? `by ${v.failed.join(", ")}` : "",
    v.warned.length > 0 ? `(warned: ${v.warned.join(", ")})` : "",
    `in ${seconds.toFixed(1)} s`,
  ].join(" ");
