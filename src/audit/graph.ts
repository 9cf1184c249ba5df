import { sampleFingerprints } from "#data";
import { attackEpochs, attackSource } from "./again/index.ts";
import {
  type CellWorks,
  cellMaker,
  decisions,
  openBenches,
  subjectOf,
  tidy,
} from "./attacking/index.ts";
import { certificates } from "./certify/index.ts";
import { gallery } from "./gallery/index.ts";
import { crossTask } from "./heads/index.ts";
import type { Found } from "./judged.ts";
import { modelWorks, openModels, type Workshop } from "./models/index.ts";
import type { Plan } from "./plan/index.ts";
import { MAIN } from "./suite/index.ts";
import type { PreparedData } from "./tasks/index.ts";
import { trialWorks } from "./trials/index.ts";
import { checksOf } from "./trust/index.ts";
import { type Failure, lostOf, type Work } from "./works/index.ts";

/** What works find, beside what is known of the run itself. */
type FoundByWorks = Omit<Found, "timing" | "failures" | "missing">;

/** A whole run. */
interface Graph {
  readonly works: readonly Work[];
  readonly cells: readonly CellWorks[];
  /**
   * What was found.
   *
   * @param failures why works have no result
   */
  found(failures: readonly Failure[]): FoundByWorks;
  /** What of the results is not there, by these failures. */
  missing(failures: readonly Failure[]): Found["missing"];
  /** Lets go of the models that works in this process left open for the next. */
  release(): Promise<void>;
}

/**
 * All that a plan comes to: every work, known before any is done, and what they found
 * as far as they are done. A new thing that is computed is a phase here.
 */
export function graphOf(plan: Plan, shop: Workshop): Graph {
  const { loaded, data } = shop;
  const { suite, units } = loaded;
  // Before anything is computed, a check that is called as ours is refused.
  checksOf(units.trustChecks);
  const models = openModels(shop);
  const foreseen = modelWorks(plan, models, shop);
  const { base, unrelated, candidates, looks } = foreseen;
  const benchOf = openBenches(shop, models, foreseen);
  const maker = cellMaker();
  const cells = plan.cells.map((planned) => {
    const { candidate } = planned;
    const bench = benchOf(candidate);
    const before = [looks.get(candidate)!];
    return maker.cell(planned, subjectOf(candidate, bench), bench, before);
  });
  const decided = decisions(plan.decisions, looks, maker, benchOf);
  const heads = crossTask({ suite, cells, benchOf });
  const trials = trialWorks(plan.trials, models, foreseen, shop);
  const certified = plan.complete
    ? certificates(looks, benchOf, shop)
    : { works: [], found: () => [] };
  const shown = gallery(cells, benchOf, suite.gallery);
  const epochs = attackEpochs(plan.alongTraining, looks, benchOf, shop);
  const onSource = attackSource(plan.onSource, looks, maker, benchOf, shop);
  const ofBases = [foreseen.baseLook, foreseen.unrelatedLook].flatMap(
    (work) => work ?? [],
  );
  const works = [
    ...new Set([
      ...[base, unrelated, ...candidates.values()].flatMap(
        (one) => one?.made ?? [],
      ),
      ...ofBases,
      ...looks.values(),
      ...cells.flatMap(({ works }) => works),
      ...[decided, heads, trials, certified, shown, epochs, onSource].flatMap(
        ({ works }) => works,
      ),
    ]),
  ];
  return {
    works,
    cells,
    missing: (failures) => lostOf(works, shop.store, failures),
    async release() {
      for (const id of looks.keys()) await tidy(benchOf(id), 0);
    },
    found(failures) {
      const seen = [...looks].flatMap(([id, work]) => {
        const look = work.found();
        return look ? [[id, look] as const] : [];
      });
      const { warnings, ...across } = heads.found();
      return {
        complete: plan.complete,
        classes: data.target.test.classes,
        task: seen[0]?.[1].task,
        samples: samplesOf(data),
        base: foreseen.baseLook?.found() ?? null,
        unrelated: foreseen.unrelatedLook?.found(),
        candidates: seen.map(([, { result }]) => result),
        looks: new Map(seen.map(([id, { preflight }]) => [id, preflight])),
        cells: cells.flatMap((cell) => cell.found(failures) ?? []),
        decisions: decided.found(),
        heads: across,
        trials: trials.found(),
        certificates: certified.found(),
        ...shown.found(),
        epochs: epochs.found(),
        onSource: onSource.found(failures),
        warnings: [
          ...seen.flatMap(([, { preflight }]) => [
            ...preflight.warnings,
            ...preflight.faults,
          ]),
          ...warnings,
        ],
        data: sizesOf(data),
        machine: {
          engine: shop.engine.title,
          node: process.version,
          platform: `${process.platform} ${process.arch}`,
        },
      };
    },
  };
}

/** What tells the attacked samples of each task from others. */
const samplesOf = ({ attacked, tasks }: PreparedData): Found["samples"] =>
  [[MAIN, { attacked }] as const, ...tasks].map(([task, of]) => ({
    task,
    fingerprints: sampleFingerprints(of.attacked).join(" "),
    labels: of.attacked.targets ? undefined : of.attacked.y.join(" "),
  }));

/** The data of a run in the results document. */
const sizesOf = ({
  source,
  target,
  attacked,
}: PreparedData): Found["data"] => ({
  source,
  fingerprint: attacked.fingerprint,
  train: target.train.y.length,
  validation: target.validation.y.length,
  test: target.test.y.length,
  attacked: attacked.y.length,
});
