import { hashOf, sha256 } from "#core";
import type { CandidateResult, Cell, Epoch, Results } from "#results";
import { doubtsOf, verdictOf } from "../judgements.ts";
import { Keys, type Run, some, trackedRuns, withBounds } from "../tracked.ts";
import type { Items, WandbRun } from "./records.ts";

/**
 * The audit, whose steps are its cells, then its candidates, whose steps are their
 * epochs. The same results are the same runs, also where they are sent again.
 */
export function wandbRuns(results: Results): WandbRun[] {
  const { audit, candidates } = trackedRuns(results);
  const hash = hashOf(results);
  const inBoth = (run: Run, of: string) => ({
    id: sha256(`${hash} ${of}`).slice(0, 16),
    project: "assay",
    group: `audit ${hash.slice(0, 8)}`,
    name: run.name,
    notes: `The audit: ${verdictOf(results)}.`,
    start: run.start,
    end: run.end,
  });
  return [
    {
      ...inBoth(audit, "audit"),
      job: "audit",
      config: [...textsOf(audit), ...suiteOf(results)],
      summary: audit.metrics,
      history: results.cells.map((cell, step) => ({
        step,
        items: cellStep(results, cell),
      })),
    },
    ...candidates.map((run, i) => {
      const candidate = results.candidates[i]!;
      const keys = new Keys();
      return {
        ...inBoth(run, `candidate ${candidate.id}`),
        job: "candidate",
        summary: [...run.metrics, ...cellsOf(results, candidate, keys)],
        history: candidate.history.map((epoch) => ({
          step: epoch.epoch,
          items: epochStep(results, candidate, epoch, keys),
        })),
        config: [...textsOf(run), ...madeOf(candidate), ...keys.names()],
      };
    }),
  ];
}

const textsOf = ({ params, tags }: Run): Items => [...params, ...tags];

type Unit = { readonly id: string; readonly params: unknown };
const unitOf = ({ id, params }: Unit) => ({ id, params });

/** What the suite asked for. */
const suiteOf = ({ threatModels, attacks, defenses }: Results): Items => [
  ["threat models", threatModels],
  ["attacks", attacks.map(unitOf)],
  [
    "defenses",
    defenses.map(({ id, parts }) => ({ id, parts: parts.map(unitOf) })),
  ],
];

/** How a candidate was trained. */
const madeOf = (one: CandidateResult): Items => [
  ["strategy", one.strategy && unitOf(one.strategy)],
  ["adaptation", one.adaptation && unitOf(one.adaptation)],
  [
    "training",
    [one.training, ...(one.moreTraining ?? [])]
      .filter((part) => part !== null)
      .map(unitOf),
  ],
];

/** Why a cell is not trusted, in words; nothing where it is. */
const reasons = (name: string, { trusted, checks }: Cell): Items =>
  trusted
    ? []
    : [
        [
          name,
          checks
            .filter(({ status }) => status === "failed")
            .map(({ message }) => some(message))
            .join(" "),
        ],
      ];

/** A cell as a step of the audit. */
const cellStep = (results: Results, cell: Cell): Items => [
  ["cell", some(cell.id)],
  ["candidate", some(cell.candidate)],
  ["defense", some(cell.defense)],
  ["attack", some(cell.attack)],
  ["threat_model", some(cell.threatModel.id)],
  ["adaptive", cell.adaptive],
  ...withBounds(
    "clean_accuracy",
    cell.cleanAccuracy,
    doubtsOf(results, { trusted: true }),
  ),
  ...withBounds(
    "robust_accuracy",
    cell.robustAccuracy,
    doubtsOf(results, cell),
  ),
  ...reasons("why_not_trusted", cell),
];

/** The cells of a candidate, each under keys of its own. */
const cellsOf = (
  results: Results,
  { id }: CandidateResult,
  keys: Keys,
): Items =>
  results.cells
    .filter(({ candidate }) => candidate === id)
    .flatMap((cell) => {
      const { defense, attack, threatModel, adaptive } = cell;
      const under = keys.of(defense, attack, threatModel.id);
      const key = `cell/${under}${adaptive ? "" : "/as_is"}`;
      return [
        ...withBounds(key, cell.robustAccuracy, doubtsOf(results, cell)),
        ...reasons(`${key}/why_not_trusted`, cell),
      ];
    });

/** An epoch as a step of a candidate, with the robustness of its weights if known. */
const epochStep = (
  results: Results,
  { id }: CandidateResult,
  epoch: Epoch,
  keys: Keys,
): Items => [
  ["epoch", epoch.epoch],
  ["stage", epoch.stage],
  ["trainable", epoch.trainable.map(some)],
  ["learning_rate", epoch.learningRate],
  ["train_loss", epoch.trainLoss],
  ["validation_loss", epoch.validationLoss],
  ["validation_accuracy", epoch.validationAccuracy],
  ...Object.entries(epoch.records ?? {}).map(
    ([name, value]): [string, number] => [`records/${keys.of(name)}`, value],
  ),
  ...(results.trajectories ?? [])
    .filter(({ candidate }) => candidate === id)
    .flatMap(({ attack, threatModel, points }) =>
      points
        .filter((point) => point.epoch === epoch.epoch)
        .flatMap((point) => {
          const under = keys.of(attack, threatModel);
          return withBounds(
            `robust_accuracy_along/${under}`,
            point.robustAccuracy,
            doubtsOf(results, point),
          );
        }),
    ),
];
