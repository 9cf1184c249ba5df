import type { Extraction } from "#attacks";
import { AssayError, percent } from "#core";
import {
  argmaxRows,
  type CompiledModel,
  compile,
  logitsOf,
  type Model,
  replaceHead,
  softmaxRows,
} from "#model";
import { type FloatTensor, floats, takeRows } from "#onnx";
import type { Chart, Finding } from "../../results/index.ts";
import {
  type Outcome,
  type Protocol,
  pairedFinding,
  shareFinding,
  type TrialInput,
} from "../trial.ts";
import { plainNetwork } from "./plain-network.ts";

type Params = { readonly budgets: readonly number[] };

type Here = TrialInput<Extraction, Params>;

/**
 * A thief after so many queries: which test samples he answers as the candidate
 * does, and rightly.
 */
interface Stolen {
  readonly start: string;
  readonly count: number;
  readonly same: boolean[];
  readonly right: boolean[];
}

/**
 * Lets a thief ask the candidate more and more about public inputs, those of the
 * base's own task, and measures on the test samples how far his copy agrees with the
 * candidate and is right. Who holds the public base starts from it; the copy from
 * scratch beside it shows what that is worth. Control: the same answers, given to the
 * wrong inputs.
 */
export const extraction: Protocol<Extraction, Params> = {
  kind: "extraction",
  stages: ({ unit, params, hasBase }) => {
    const starts = startsOf(unit, hasBase);
    const counts = [...new Set(params.budgets)];
    return [
      [
        ...starts.flatMap((start) =>
          counts.map((count) => ({ name: theftName({ start, count }) })),
        ),
        { name: SHUFFLED },
      ],
    ];
  },
  run,
};

const FROM_BASE = "from the base";
const SHUFFLED = "answers to other inputs";

/** Where the thief starts, the best first. */
const startsOf = ({ trains }: Extraction, hasBase: boolean): string[] => [
  ...(hasBase && trains ? [FROM_BASE] : []),
  trains ? "from scratch" : "without data",
];

const theftName = ({ start, count }: Pick<Stolen, "start" | "count">) =>
  `${count} queries ${start}`;

async function run(input: Here): Promise<Outcome> {
  const { victim, unit, params, engine, random } = input;
  const { model, base, data, source } = victim;
  // One that does not train makes its own inputs.
  const inputs = source?.train.x ?? floats([0, ...model.contract.shape], []);
  const most = unit.trains ? (inputs.dims[0] ?? 0) : Number.POSITIVE_INFINITY;
  const counts = [...new Set(params.budgets.map((b) => Math.min(b, most)))];
  counts.sort((a, b) => a - b);
  const last = counts.at(-1) as number;
  const compiled = await compile(model, engine);
  const said = argmaxRows(await compiled.logits(data.test.x));
  const starts = startsOf(unit, base !== null);
  const startAt = (start: string): Model =>
    base && start === FROM_BASE
      ? replaceHead(base, model.classes, random.fork("head"))
      : plainNetwork(model, random.fork("scratch"));
  const steal = async (
    start: string,
    count: number,
    answers: (x: FloatTensor) => Promise<FloatTensor>,
  ): Promise<Stolen> => {
    const thief = await unit.steal({
      ask: limited(answers, count),
      count,
      inputs,
      start: startAt(start),
      params,
      engine,
      random: random.fork(`steal ${start}`),
      signal: input.signal,
    });
    const theirs = argmaxRows(await logitsOf(thief, data.test.x, engine));
    return {
      start,
      count,
      same: Array.from(theirs, (p, i) => p === said[i]),
      right: Array.from(theirs, (p, i) => p === data.test.y[i]),
    };
  };
  const [first = ""] = starts;
  const thefts = [
    ...starts.flatMap((start) =>
      counts.map((count) => ({
        name: theftName({ start, count }),
        make: () => steal(start, count, answersOf(compiled)),
      })),
    ),
    {
      name: SHUFFLED,
      make: () => steal(first, last, shuffled(compiled, input)),
    },
  ];
  const all = await input
    .each(
      thefts,
      ({ name }) => name,
      async ({ make }) => {
        const stolen = await make();
        input.onProgress(1);
        return stolen;
      },
    )
    .finally(compiled.release);
  const [stolen, control] = [all.slice(0, -1), all.at(-1) as Stolen];
  return {
    ...outcomeOf(stolen, control, { first, last }, said, data.test.y),
    notes: [
      ...(unit.trains
        ? [`public inputs: ${most} training samples of the base's own task`]
        : []),
      ...(params.budgets.some((b) => b > most)
        ? [`budgets above ${most} were cut to it`]
        : []),
    ],
  };
}

function outcomeOf(
  stolen: readonly Stolen[],
  control: Stolen,
  { first, last }: { first: string; last: number },
  said: Int32Array,
  y: Int32Array,
) {
  const yes = (flags: readonly boolean[]) => flags.filter(Boolean).length;
  const n = y.length;
  const titles = {
    same: "Agreement with the candidate",
    right: "Accuracy of the copy",
  } as const;
  const ids = { same: "agreement", right: "copy-accuracy" } as const;
  const finding = (
    of: Stolen,
    measure: keyof typeof titles,
    role: Finding["role"],
    at = `${of.count} queries ${of.start}`,
  ) =>
    shareFinding(
      { id: ids[measure], title: titles[measure], role, attacker: "up", at },
      yes(of[measure]),
      n,
    );
  const at = (start: string) =>
    stolen.find((s) => s.start === start && s.count === last);
  const headline = finding(at(first) as Stolen, "same", "headline");
  const shuffledAnswers = finding(control, "same", "control", SHUFFLED);
  const [base, scratch] = [at(FROM_BASE), at("from scratch")];
  const learns = (shuffledAnswers.value ?? 1) < (headline.low ?? 0);
  return {
    findings: [
      headline,
      ...stolen.flatMap((of) => [
        ...(of === at(first) ? [] : [finding(of, "same", "detail")]),
        finding(of, "right", "detail"),
      ]),
      ...(base && scratch ? [gap(base, scratch)] : []),
      shuffledAnswers,
      shareFinding(
        {
          id: "accuracy",
          title: "Accuracy of the candidate",
          role: "control",
          attacker: null,
        },
        said.filter((p, i) => p === y[i]).length,
        n,
      ),
    ],
    charts: [chartOf(stolen, finding, titles)],
    pictures: [],
    checks: [
      {
        id: "extraction-control",
        title: "Answers to other inputs",
        status: learns ? ("passed" as const) : ("warned" as const),
        message: learns
          ? `A copy that learned from shuffled answers agrees on ${percent(shuffledAnswers.value ?? 0)}, the thief's on more.`
          : `A copy that learned from shuffled answers agrees on ${percent(shuffledAnswers.value ?? 0)}, and the thief's on no more for certain: more queries or other inputs may help him.`,
      },
    ],
  };
}

/** What it is worth to start from the public base. */
const gap = (base: Stolen, scratch: Stolen): Finding =>
  pairedFinding(
    {
      id: "base-gap",
      title: "Agreement gained by starting from the base",
      role: "detail",
      attacker: "up",
      at: `${base.count} queries`,
    },
    base.same,
    scratch.same,
  );

function chartOf(
  stolen: readonly Stolen[],
  finding: (of: Stolen, measure: "same" | "right", role: "detail") => Finding,
  titles: Record<"same" | "right", string>,
): Chart {
  const starts = [...new Set(stolen.map((s) => s.start))];
  return {
    id: "extraction",
    title: "What a thief's copy is worth against the number of queries",
    x: { label: "queries", scale: "log" },
    y: { label: "share of the test samples", scale: "share" },
    lines: (["same", "right"] as const).flatMap((measure) =>
      starts.map((start) => ({
        name: `${titles[measure].toLowerCase()}, ${start}`,
        points: stolen
          .filter((s) => s.start === start)
          .map((of) => {
            const { value, low, high } = finding(of, measure, "detail");
            return { x: of.count, y: value ?? 0, low, high };
          }),
      })),
    ),
  };
}

/** Probabilities. */
const answersOf = (model: CompiledModel) => async (x: FloatTensor) => {
  const logits = await model.logits(x);
  return floats(logits.dims, softmaxRows(logits).flat());
};

/** Answers to other inputs of the same question. */
const shuffled =
  (model: CompiledModel, { random }: Here) =>
  async (x: FloatTensor): Promise<FloatTensor> =>
    takeRows(
      await answersOf(model)(x),
      random.fork("shuffled").permutation(x.dims[0] ?? 0),
    );

/** @throws QUERY_BUDGET */
function limited(
  ask: (x: FloatTensor) => Promise<FloatTensor>,
  count: number,
): typeof ask {
  let asked = 0;
  return async (x) => {
    asked += x.dims[0] ?? 0;
    if (asked > count)
      throw new AssayError(
        "QUERY_BUDGET",
        `a thief asked about ${asked} inputs, expected ${count} at most`,
        "Correct the attack: it has `count` queries in all.",
      );
    return ask(x);
  };
}
