import { percent } from "#core";
import type { Cell, Rate, Results } from "#results";
import {
  anchor,
  budget,
  interval,
  plain,
  unbroken,
  whole,
} from "../../format.ts";
import { pageOf, queriesOf } from "./described.ts";
import { fatesIn, letterKey, type Told, toldOf } from "./fates.ts";
import { taskOf } from "./samples.ts";

/** Every cell: a table of all, and a page of each with all that is known of it. */
export function cellsView(results: Results) {
  const { cells, candidates } = results;
  if (cells.length === 0) return null;
  const told = toldOf(results);
  return {
    count: cells.length,
    key: told.lettered ? letterKey(results) : null,
    rows: cells.map(row),
    candidates: candidates.flatMap(({ id }) => {
      const own = cells.filter((c) => c.candidate === id);
      const shared = passedByAll(own);
      return own.length === 0
        ? []
        : [
            {
              name: plain(id),
              count: own.length,
              task: anchor("samples", taskOf(id, results)),
              sharedId: anchor("checks", id),
              shared: shared.map(check),
              pages: own.map((cell) => page(cell, told, shared)),
            },
          ];
    }),
  };
}

const defenseOf = ({ defense }: Cell): string =>
  defense === "none" ? "none" : plain(defense);

/** How the attack of a cell stands to the defence, where there is one. */
const stand = ({ defense, adaptive }: Cell): string =>
  defense === "none" ? "" : adaptive ? "adaptive" : "as-is";

const row = (cell: Cell) => ({
  page: pageOf(cell.id),
  candidate: plain(cell.candidate),
  defense: defenseOf(cell),
  attack: plain(cell.attack),
  stand: stand(cell),
  budget: budget(cell.threatModel),
  eps: cell.threatModel.eps,
  robust: percent(cell.robustAccuracy.value),
  interval: interval(cell.robustAccuracy),
  success: cell.attackSuccess ? percent(cell.attackSuccess.value) : "-",
  trust: trustOf(cell),
  queries: whole(
    cell.queries.forward + cell.queries.gradient + cell.queries.base,
  ),
  seconds: cell.seconds.toFixed(cell.seconds < 10 ? 2 : 1),
});

/** What checks say, in as few words as a table has room for. */
function trustOf({ trusted, checks }: Cell) {
  if (!trusted) return { text: "not trusted", tone: "failed-text" };
  return checks.some((c) => c.status === "warned")
    ? { text: "warned", tone: "inconclusive-text" }
    : { text: "trusted", tone: "" };
}

const accesses = {
  none: "asks nothing of the model",
  label: "sees the labels that the model gives",
  score: "sees the scores that the model gives",
  gradient: "has the weights, so gradients",
  base: "has the weights of the public base alone",
} as const;

function page(cell: Cell, told: Told, shared: readonly Check[]) {
  const { threatModel: threat, outcomes, checks } = cell;
  return {
    id: pageOf(cell.id),
    name: plain(cell.id),
    title: [
      `${plain(cell.attack)}${stand(cell) && ` (${stand(cell)})`}`,
      budget(threat),
      cell.defense === "none" ? "no defence" : `behind ${plain(cell.defense)}`,
    ].join(", "),
    robust: share(cell.robustAccuracy),
    clean: share(cell.cleanAccuracy),
    success: cell.attackSuccess && share(cell.attackSuccess),
    untrusted: !cell.trusted,
    candidate: plain(cell.candidate),
    candidateId: anchor("candidate", cell.candidate),
    attack: plain(cell.attack),
    attackId: anchor("attack", cell.attack),
    defense: cell.defense === "none" ? null : plain(cell.defense),
    defenseId: anchor("defense", cell.defense),
    settings: [
      accesses[threat.access],
      threat.steps !== null && `${threat.steps} steps`,
      threat.restarts !== null && `${threat.restarts} restarts`,
      threat.queries !== null && `at most ${threat.queries} queries a sample`,
    ]
      .filter(Boolean)
      .join(", "),
    stand: {
      adaptive: "It was made against the defence.",
      "as-is":
        "It was made on the undefended candidate and replayed, so it says nothing of who knows the defence.",
      "": "",
    }[stand(cell)],
    budget: budget(threat),
    noGradient: cell.noGradient && unbroken(cell.noGradient),
    queries: queriesOf(cell.queries),
    fell: fellAfter(cell),
    time: `${cell.seconds.toFixed(2)} s`,
    command: plain(cell.reproduce),
    doubts: (["failed", "warned"] as const).flatMap((status) =>
      checks
        .filter((c) => c.status === status)
        .map((c) => ({ status, failed: status === "failed", ...check(c) })),
    ),
    shared: shared.length > 0 && anchor("checks", cell.candidate),
    passed: checks
      .filter((c) => c.status === "passed" && !shared.some((s) => same(s, c)))
      .map(check),
    samples: outcomes.length,
    unlisted: told.listed < outcomes.length ? told.listed : null,
    ...fatesIn(cell, told),
  };
}

type Check = Cell["checks"][number];

const same = (a: Check, b: Check): boolean =>
  a.title === b.title && a.message === b.message && a.status === b.status;

/** Passed checks that say the same of every one of several cells. */
const passedByAll = ([first, ...others]: readonly Cell[]): Check[] =>
  others.length === 0
    ? []
    : (first?.checks ?? []).filter(
        (one) =>
          one.status === "passed" &&
          others.every(({ checks }) => checks.some((c) => same(c, one))),
      );

const check = ({ title, message }: Check) => ({
  title: plain(title),
  message: unbroken(message),
});

/** "45.0 % [38.0, 52.2], 90 of 200" */
const share = (rate: Rate) => ({
  value: percent(rate.value),
  interval: interval(rate),
  of: `${Math.round(rate.value * rate.n)} of ${rate.n}`,
});

/** The queries until samples fell, in words; nothing where none is known. */
function fellAfter({ queriesToBreak }: Cell): string {
  const known = queriesToBreak.filter((q) => q > 0).sort((a, b) => a - b);
  const middle = known[Math.floor((known.length - 1) / 2)];
  return middle === undefined
    ? ""
    : `half of the broken samples fell within ${middle} queries, all within ${known.at(-1)}`;
}
