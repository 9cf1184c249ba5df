import { type Attack, ballOf } from "#attacks";
import {
  type Chosen,
  hashOf,
  InterruptedError,
  packageVersion,
  Random,
} from "#core";
import type { Dataset } from "#data";
import { type Beside, grantAccess } from "#model";
import { copyOf, type FloatTensor, putRows, takeRows } from "#onnx";
import { drawsFor, type Opened, openFor } from "./bench.ts";
import { isAboutGradients } from "./craft.ts";
import { decisions } from "./detection.ts";
import { describe, type ReadyModel } from "./models.ts";
import type { PlannedCell } from "./plan.ts";
import { type Replaying, summary, trunkOf } from "./replaying.ts";
import type { CrossTask } from "./results.ts";

/** A head with the samples that all heads have, in one order for all. */
interface HeadData {
  readonly ready: ReadyModel;
  readonly opened: Opened;
  /** The place of each of these samples among those of its task. */
  readonly places: readonly number[];
  readonly data: Dataset;
  /** Whether it has no gradient: then it is judged, and nothing follows it. */
  readonly isBlind: boolean;
  /** Whether it is right about each sample of its task without an attack. */
  readonly right: readonly boolean[];
}

/**
 * All heads of each candidate of several tasks attacked at once, with the sum of their
 * losses, until all are wrong; on the samples that all tasks have. Only undefended.
 * One row for each head that is judged.
 */
export async function allHeads(run: Replaying): Promise<CrossTask[]> {
  const { suite, plan } = run;
  const asked = plan.filter(
    (p) =>
      p.defense === "none" &&
      p.threatModel in suite.threatModels &&
      suite.allHeads.includes(p.attack),
  );
  const trunks = new Map<string, PlannedCell[]>();
  for (const planned of asked) {
    const trunk = trunkOf(suite, planned.candidate);
    const key = JSON.stringify([trunk, planned.attack, planned.threatModel]);
    if (trunk) trunks.set(key, [...(trunks.get(key) ?? []), planned]);
  }
  const rows: CrossTask[] = [];
  for (const cells of trunks.values()) {
    const heads = await headsOf(cells, run);
    const [planned] = cells as [PlannedCell];
    const isPossible = heads.length > 1 && heads[0]?.isBlind === false;
    if (!isPossible || heads[0]?.places.length === 0) continue;
    const examples = await attackTogether(planned, heads, run);
    for (const head of heads)
      rows.push(await judge(head, examples, planned, run));
  }
  return rows;
}

/** The heads whose samples are of the suite's data, on those that all of them have; those with a gradient first. */
async function headsOf(
  planned: readonly PlannedCell[],
  { cells, models, judged, benchOf }: Replaying,
): Promise<HeadData[]> {
  const rowsOf = (id: string) => judged(id).rows?.attacked ?? [];
  const own = planned.filter((p) => judged(p.candidate).rows !== null);
  const [first] = own;
  const shared = rowsOf(first?.candidate ?? "").filter((row) =>
    own.every((p) => rowsOf(p.candidate).includes(row)),
  );
  const heads: HeadData[] = [];
  for (const { id, candidate } of own) {
    const ready = models.get(candidate) as ReadyModel;
    const bench = benchOf(candidate);
    const opened = await openFor(ready, [], bench);
    const cell = cells.find((c) => c.id === id);
    heads.push({
      ready,
      opened,
      places: shared.map((row) => rowsOf(candidate).indexOf(row)),
      data: bench.data,
      right: Array.from(cell?.outcomes ?? "", (outcome) => outcome !== "-"),
      isBlind: await isBlind(opened, bench.data),
    });
  }
  return [
    ...heads.filter((h) => !h.isBlind),
    ...heads.filter((h) => h.isBlind),
  ];
}

/** Whether a head has no gradient to follow. */
async function isBlind({ model }: Opened, data: Dataset): Promise<boolean> {
  try {
    await model.lossGradient(takeRows(data.x, [0]), [data.y[0] as number], {
      targets: data.targets && takeRows(data.targets, [0]),
    });
    return false;
  } catch (error) {
    if (isAboutGradients(error)) return true;
    throw error;
  }
}

/** The examples, from the store or made now; a sample that no head is right about stays as it is. */
async function attackTogether(
  planned: PlannedCell,
  heads: readonly HeadData[],
  { benchOf }: Replaying,
): Promise<FloatTensor> {
  const { norm, eps, queries, chosen } = planned;
  const { store, seed, engine, signal, onEvent } = benchOf(planned.candidate);
  const [{ data, places, opened }] = heads as [HeadData];
  const x = takeRows(data.x, places);
  const key = hashOf({
    kind: "all heads",
    attack: describe(chosen),
    norm,
    eps,
    queries,
    heads: heads.map((h) => [h.ready.hash, h.ready.stated, h.data.fingerprint]),
    seed,
    version: packageVersion(),
    engine: engine.title,
  });
  const file = `examples/${key}.npy`;
  const known = store.readTensor(file);
  if (known) return known;
  const some = places
    .map((_, i) => i)
    .filter((i) => heads.some((h) => h.right[h.places[i] as number]));
  const limit = ballOf(
    norm as Parameters<typeof ballOf>[0],
    eps,
    opened.model.model.contract.bounds,
    data.table,
  );
  const [first, ...beside] = heads.map((h) => besideOf(h, some)) as [
    Beside,
    ...Beside[],
  ];
  const { unit, params } = chosen as Chosen<Attack>;
  const own = { x: takeRows(x, some), y: first.y };
  const target = grantAccess(first.model, {
    ...own,
    access: unit.access,
    targets: first.targets,
    limit,
    queries: queries ?? undefined,
    beside,
    draws: new Random(seed).fork(`draws of all heads under ${planned.id}`),
  });
  const stream = new Random(seed).fork(`attack ${unit.id} ${norm} ${eps}`);
  const name = `${planned.attack}@${planned.threatModel} on all heads`;
  const examples = copyOf(x);
  if (some.length > 0)
    putRows(
      examples,
      some,
      await unit.run({
        ...own,
        target,
        ball: limit,
        table: data.table,
        params,
        random: some.map((i) => stream.fork(i)),
        onProgress(share: number) {
          if (signal?.aborted) throw new InterruptedError();
          onEvent({ kind: "progress", cell: name, share });
        },
      }),
    );
  store.writeTensor(file, examples);
  return examples;
}

/** A head with what it should say of some of the shared samples. */
function besideOf(
  { opened, data, places, isBlind }: HeadData,
  some: readonly number[],
): Beside {
  const rows = some.map((i) => places[i] as number);
  return {
    model: opened.model,
    y: Int32Array.from(rows, (i) => data.y[i] as number),
    targets: data.targets && takeRows(data.targets, rows),
    isBlind,
  };
}

async function judge(
  { ready, opened, places, data, right }: HeadData,
  examples: FloatTensor,
  planned: PlannedCell,
  { suite, benchOf }: Replaying,
): Promise<CrossTask> {
  const draws = drawsFor(benchOf(ready.id), "attacked");
  const answers = await opened.answers(
    examples,
    places.map((i) => draws[i] as Random),
  );
  const said = decisions(
    opened.model.model,
    answers,
    data.targets && takeRows(data.targets, places),
  );
  const outcomes = Array.from(data.y, () => ".");
  places.forEach((place, i) => {
    const stood = said[i] === data.y[place];
    outcomes[place] = right[place] ? (stood ? "1" : "0") : "-";
  });
  const { member, replica } = suite.candidates[ready.id] ?? {};
  const of = member?.of ?? ready.id;
  return {
    of,
    replica: replica?.index ?? null,
    through: of,
    candidate: ready.id,
    defense: planned.defense,
    attack: planned.attack,
    threatModel: planned.threatModel,
    ...summary(outcomes.join("")),
    trusted: null,
    outcomes: outcomes.join(""),
  };
}
