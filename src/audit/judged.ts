import { packageVersion } from "#core";
import { compareResults } from "./comparing/index.ts";
import { evaluateGate } from "./gate/index.ts";
import {
  type AcrossHeads,
  curves,
  domains,
  type Followed,
  inheritance,
  judgeCells,
  judgeDecisions,
  judgeEpochs,
  judgeHeads,
  type Looks,
  type Scored,
  seedSummaries,
  transfers,
  type Undecided,
  worstCases,
} from "./judging/index.ts";
import { statedResult } from "./plan/index.ts";
import { recommend } from "./recommending/index.ts";
import {
  type MissingResult,
  RESULTS_VERSION,
  type Results,
} from "./results/index.ts";
import { groupsOf, type LoadedSuite } from "./suite/index.ts";
import { checksOf } from "./trust/index.ts";
import type { Failure } from "./works/index.ts";

type Provenance = Results["provenance"];

/** How the title of a smoke run begins, wherever it is read. */
const SMOKE = "SMOKE RUN, no verdict";

/** All that a run found, before anything is judged beside other things. */
export interface Found
  extends Pick<
    Results,
    | "complete"
    | "classes"
    | "task"
    | "samples"
    | "base"
    | "unrelated"
    | "candidates"
    | "trials"
    | "certificates"
    | "gallery"
    | "textGallery"
    | "timing"
    | "stopped"
  > {
  /** Why works have no result. */
  readonly failures: readonly Failure[];
  /** What of the results is not there. */
  readonly missing: readonly MissingResult[];
  /** All that was warned of. */
  readonly warnings: readonly string[];
  /** What was found of each candidate before anything counted. */
  readonly looks: Looks;
  readonly cells: readonly Scored[];
  /** Of rules with `decide`. */
  readonly decisions?: readonly Undecided[];
  readonly heads: AcrossHeads;
  readonly epochs: readonly Followed[];
  /** The cells that were computed again on the source domain. */
  readonly onSource: readonly Scored[];
  readonly data: Provenance["data"];
  readonly machine: Pick<Provenance, "engine" | "node" | "platform">;
}

/** What the document says of the suite. */
type Loaded = Pick<LoadedSuite, "suite" | "file" | "hash"> &
  Partial<
    Pick<
      LoadedSuite,
      "units" | "modules" | "extended" | "settings" | "variables" | "smoke"
    >
  >;

/**
 * The results document of a suite: what was found, judged, beside a baseline where
 * there is one, and which candidate to take.
 */
export function judged(
  found: Found,
  loaded: Loaded,
  baseline?: Results,
): Results {
  const alone = judgedAlone(found, loaded);
  const comparison = baseline && compareResults(baseline, alone);
  const { suite } = loaded;
  const gate = alone.complete
    ? evaluateGate(suite.gate, {
        ...alone,
        comparison,
        planned: groupsOf(suite.candidates),
      })
    : alone.gate;
  const recommendations = recommend({ ...alone, gate });
  return { ...alone, comparison, gate, recommendations };
}

/** The same without a look at a baseline or the gate. */
function judgedAlone(
  found: Found,
  { suite, file, hash, units, modules = [], smoke, ...from }: Loaded,
): Results {
  const { extended = [], settings = [], variables = [] } = from;
  const named = { file, settings };
  const more = checksOf(units?.trustChecks ?? []);
  const { complete, looks, base, candidates, missing } = found;
  const stated = statedResult(suite);
  const planned = groupsOf(suite.candidates);
  const families = new Map(
    Object.entries(suite.attacks).map(([id, { unit }]) => [id, unit.family]),
  );
  const cells = judgeCells(found.cells, looks, named, more);
  const crossTask = judgeHeads(found.heads, cells, looks, more);
  const worst = worstCases(
    cells,
    Object.keys(suite.candidates),
    families,
    (candidate) => suite.candidates[candidate]!.task,
    crossTask,
  );
  const measured = {
    ...stated,
    base,
    unrelated: found.unrelated,
    candidates,
    cells,
    worstCases: worst,
    decisions: someOrNone(
      judgeDecisions(found.decisions ?? [], looks, named, families, more),
    ),
    seeds: seedSummaries(cells, candidates, crossTask, planned, missing),
    curves: curves(cells, missing, stated.threatModels),
    crossTask: someOrNone(crossTask),
    trials: found.trials,
    transfer: someOrNone(transfers(cells, candidates, suite.attacks, missing)),
    certificates: found.certificates,
    gallery: found.gallery,
    textGallery: found.textGallery,
    failures: someOrNone(found.failures.flatMap(rootOf)),
    missing: someOrNone([...missing]),
    stopped: found.stopped,
  };
  return {
    schemaVersion: RESULTS_VERSION,
    title: smoke ? `${SMOKE}: ${suite.title}` : suite.title,
    complete: complete && !smoke,
    smoke: smoke && { samples: suite.samples, quick: smoke.quick === true },
    classes: found.classes,
    task: found.task,
    samples: found.samples,
    ...measured,
    warnings: someOrNone([...found.warnings]),
    comparison: undefined,
    gate: { verdict: "none", rules: [] },
    recommendations: undefined,
    provenance: {
      assay: packageVersion(),
      suite: {
        ...{ file, hash },
        extends: someOrNone([...extended]),
        set: someOrNone([...settings]),
        variables: someOrNone([...variables]),
      },
      modules: someOrNone(modules.map(moduleResult)),
      data: found.data,
      seed: suite.seed,
      ...found.machine,
    },
    timing: found.timing,
    trajectories:
      complete && suite.trajectory
        ? found.epochs.map((one) => judgeEpochs(one, missing, more))
        : undefined,
    domains:
      complete && suite.attackSource
        ? domains(
            cells,
            judgeCells(found.onSource, looks, named, more),
            // A shift keeps the samples and their order. Other data are other samples.
            suite.sourceData === undefined,
            candidates.map(({ id }) => id),
            families,
          )
        : undefined,
    inheritance: someOrNone(
      inheritance(cells, worst, candidates, base, crossTask),
    ),
  };
}

/** A module as it stands in the document. */
const moduleResult = ({
  name,
  version,
  hash,
  units,
}: LoadedSuite["modules"][number]) => ({
  ...{ name, version, hash },
  units: units.map(({ kind, id }) => ({ kind, id })),
});

/** What failed by itself, as it stands in the document. */
const rootOf = ({ record: _, because, ...failure }: Failure) =>
  because === null ? [failure] : [];

/** Lists that are absent where they are empty. */
const someOrNone = <T>(list: T[]): T[] | undefined =>
  list.length > 0 ? list : undefined;
