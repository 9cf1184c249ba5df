import { decimal, percent } from "#core";
import type {
  Contender,
  LeftOutBecause,
  Recommendation,
} from "../results/index.ts";
import type { Shown } from "./better.ts";
import type { Entry } from "./contenders.ts";

/** More names than this make no sentence. */
const MOST_NAMES = 3;

interface Decided extends Pick<Recommendation, "kind" | "numbers" | "leftOut"> {
  readonly take: Entry | null;
  readonly contest: readonly Entry[];
  readonly front: readonly Entry[];
  readonly shown: Shown;
  readonly hasGate: boolean;
}

/** What is recommended, and why, in two sentences. */
export const sentencesOf = (decided: Decided): Recommendation["sentences"] =>
  byKind[decided.kind](decided);

const byKind: Readonly<
  Record<
    Recommendation["kind"],
    (decided: Decided) => Recommendation["sentences"]
  >
> = {
  better({ take, contest, numbers, shown, hasGate }) {
    const others = contest.filter((one) => one !== take);
    const gate = !hasGate
      ? "; the suite states no gate"
      : take!.isJudged
        ? ", and passes every rule of the gate that is about it"
        : "; no rule of the gate is about it";
    const inAll = numbers.flatMap((_, i) =>
      others.every((other) => shown.betterIn(take!, other, i)) ? i : [],
    );
    const rest = numbers.flatMap((_, i) => (inAll.includes(i) ? [] : i));
    const [those, not] =
      others.length === 1
        ? [nameOf(others[0]!), "is not"]
        : [`each of the ${others.length} others`, "none is"];
    const worse =
      inAll.length > 0 ? nameNumbers(inAll, numbers) : "at least one number";
    const better =
      rest.length === 0
        ? ""
        : `, and ${not} shown to be better in ${inAll.length === 0 ? "any" : nameNumbers(rest, numbers, "or")}`;
    return [
      `${nameOf(take!)} is shown to be better than ${those}${gate}.`,
      `${robustness(take!, numbers)}${those} is shown to be worse in ${worse}${better}.`,
    ];
  },
  only: ({ take, leftOut }) => [
    `${nameOf(take!)} is the only candidate that can be recommended.`,
    `It passes every rule of the gate that is about it, and its numbers are trusted; of the others ${whyNot(leftOut)}.`,
  ],
  undecided: (decided) => [
    "No candidate is shown to be better than all others.",
    atFront(decided),
  ],
  none: ({ contest: [alone], leftOut, hasGate, numbers }) => [
    "No candidate can be recommended.",
    numbers.length === 1
      ? "No input was attacked, so nothing is known of their robustness to changed inputs."
      : alone
        ? `There is nothing to compare ${nameOf(alone)} with, and ${hasGate ? "no rule of the gate is about its robustness" : "the suite states no gate"}${leftOut.length > 0 ? `; of the others ${whyNot(leftOut)}` : ""}.`
        : leftOut.length > 0
          ? `Of ${leftOut.length} ${whyNot(leftOut)}.`
          : "There is none.",
  ],
};

/** "full behind median". */
const nameOf = ({ candidate, defense }: Contender): string =>
  defense === "none" ? candidate : `${candidate} behind ${defense}`;

/** What it keeps under attack, before what the others do. */
function robustness(
  { numbers: own }: Entry,
  numbers: Recommendation["numbers"],
): string {
  const budgets = numbers.flatMap(({ threatModel }, i) =>
    threatModel === null ? [] : [{ threatModel, rate: own[i]!.value }],
  );
  const values = budgets.map(({ rate }) => rate.value);
  const said =
    budgets.length > MOST_NAMES
      ? `between ${percent(Math.min(...values))} and ${percent(Math.max(...values))} at ${budgets.length} budgets`
      : listed(
          budgets.map(
            ({ threatModel, rate: { value, low, high } }) =>
              `${percent(value)} (${decimal(100 * low)} to ${percent(high)}) at ${threatModel}`,
          ),
        );
  return `Its robust accuracy is ${said}; `;
}

/** How those that none is better than stand to each other. */
function atFront({ front, contest, numbers, shown }: Decided): string {
  const n = contest[0]!.numbers[0]!.good.length;
  const betterAt = (one: Entry, other: Entry) =>
    numbers.flatMap((_, i) => (shown.betterIn(one, other, i) ? i : []));
  const [one, other] = front;
  if (!one) return "Each is shown to be worse than another one.";
  const unlike = "more samples may tell";
  if (!other) {
    const open = contest.filter(
      (entry) => entry !== one && betterAt(one, entry).length === 0,
    );
    return `None is better than ${nameOf(one)}, but on ${n} samples it is not shown to be better than ${named(open)}; ${unlike}.`;
  }
  const [here, there] = [betterAt(one, other), betterAt(other, one)];
  if (front.length === 2 && here.length > 0)
    return `It is a choice: ${nameOf(one)} is better in ${nameNumbers(here, numbers)}, ${nameOf(other)} in ${nameNumbers(there, numbers)}.`;
  const isChoice = front.some((a) =>
    front.some((b) => betterAt(a, b).length > 0),
  );
  return isChoice
    ? `None is better than ${named(front)}: of these, some are better in one number and some in another, or ${n} samples do not tell them apart.`
    : `${named(front)} cannot be told apart on ${n} samples; ${unlike}.`;
}

/** Names of some numbers: "clean accuracy and robust accuracy at linf-0.1". */
function nameNumbers(
  which: readonly number[],
  numbers: Recommendation["numbers"],
  word = "and",
): string {
  const budgets = which.flatMap((i) => numbers[i]!.threatModel ?? []);
  const all = numbers.length - 1;
  const at =
    budgets.length < all
      ? ` at ${listed(budgets, word)}`
      : all === 1
        ? ""
        : all === 2
          ? " at both budgets"
          : " at every budget";
  const hasClean = which.some((i) => numbers[i]!.threatModel === null);
  return listed(
    [
      ...(hasClean ? ["clean accuracy"] : []),
      ...(budgets.length > 0 ? [`robust accuracy${at}`] : []),
    ],
    word,
  );
}

const named = (entries: readonly Entry[]): string =>
  listed([
    ...entries.slice(0, MOST_NAMES).map(nameOf),
    ...(entries.length > MOST_NAMES
      ? [`${entries.length - MOST_NAMES} more`]
      : []),
  ]);

/** "a", "a and b", "a, b and c". */
const listed = (parts: readonly string[], word = "and"): string =>
  parts.length < 2
    ? (parts[0] ?? "")
    : `${parts.slice(0, -1).join(", ")} ${word} ${parts.at(-1)}`;

/** How many are left out for which reason, the first of each. */
function whyNot(leftOut: Recommendation["leftOut"]): string {
  const counts = new Map<LeftOutBecause, number>();
  for (const { because } of leftOut) {
    const first = order.find((one) => because.includes(one))!;
    counts.set(first, (counts.get(first) ?? 0) + 1);
  }
  return listed(
    order.flatMap((reason) => {
      const count = counts.get(reason);
      return count === undefined
        ? []
        : `${count} ${count === 1 ? reasons[reason].one : reasons[reason].many}`;
    }),
  );
}

const reasons = {
  "gate failed": { one: "fails the gate", many: "fail the gate" },
  "gate open": {
    one: "is not decided by the gate",
    many: "are not decided by the gate",
  },
  missing: { one: "lacks results", many: "lack results" },
  "not trusted": {
    one: "has a number that is not trusted",
    many: "have numbers that are not trusted",
  },
  guesses: {
    one: "may give one answer for everything",
    many: "may give one answer for everything",
  },
  "not evaluated": {
    one: "has a defence that no attack was made against",
    many: "have a defence that no attack was made against",
  },
  "not attacked": {
    one: "was not attacked at every budget",
    many: "were not attacked at every budget",
  },
  "no gain": {
    one: "is not shown to gain from its defence",
    many: "are not shown to gain from their defence",
  },
} as const satisfies Record<LeftOutBecause, { one: string; many: string }>;

const order = Object.keys(reasons) as LeftOutBecause[];
