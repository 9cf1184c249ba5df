import type { Membership, Shadow } from "#attacks";
import { Random } from "#core";
import { type Dataset, dataset, stratifiedSample, takeSamples } from "#data";
import { layerGroups, logitsOf, replaceHead } from "#model";
import { type FloatTensor, joinedRows } from "#onnx";
import { settingsSchema, tuneEvenly } from "#tuning";
import type { Outcome, Protocol, TrialInput } from "../trial.ts";
import { outcomeOf } from "./membership-outcome.ts";

type Params = { readonly shadows?: number };

type Here = TrialInput<Membership, Params>;

/**
 * Asks of every sample that the candidate learned from, and of every test sample of the
 * same domain, whether it did. The attacker's population is the validation split, which
 * chose the best epoch and moved no weight. Shadow models are tuned as the candidate
 * was, in pairs on the two halves of all samples, so that half of them learned from
 * each. They are the same for every attack and repair.
 */
export const membership: Protocol<Membership, Params> = {
  kind: "membership",
  stages: ({ params }) => [
    shadowNames(params).map((name) => ({ name, of: "shadow models" })),
  ],
  run,
};

const shadowNames = ({ shadows = 0 }: Params): string[] =>
  Array.from({ length: shadows }, (_, i) => `shadow ${i + 1}`);

async function run(input: Here): Promise<Outcome> {
  const { victim, unit, params, engine, signal, random } = input;
  const { seen, domain, unlabelled } = victim.learned;
  const { train, validation, test } = domain;
  const pool = joined(seen, test);
  const said = ({ x }: Dataset) => logitsOf(victim.model, x, engine);
  const shadows = await shadowsOf(input, pool);
  const scores = await unit.score({
    samples: { logits: await said(pool), y: pool.y },
    population: { logits: await said(validation), y: validation.y },
    shadows,
    reference: unit.needs?.includes("base")
      ? await referenceOf(input, pool)
      : null,
    params,
    engine,
    random: random.fork("score"),
    signal,
  } satisfies Parameters<Membership["score"]>[0]);
  const found = outcomeOf({ scores, train: seen, test });
  const count = shadows.length;
  return {
    ...found,
    notes: [
      ...(count > 0
        ? [
            `${count} shadow models learned from ${Math.floor(pool.y.length / 2)} of these samples each, the candidate from ${seen.y.length}; the papers train up to 256`,
          ]
        : []),
      ...(seen.y.length < train.y.length
        ? [
            `${train.y.length - seen.y.length} of ${train.y.length} training samples count as neither: the fine-tuning never drew them, or a filter left them out`,
          ]
        : []),
      ...(unlabelled > 0
        ? [
            `the ${unlabelled} samples that it saw without their labels are not asked about`,
          ]
        : []),
      ...found.notes,
    ],
  };
}

function shadowsOf(input: Here, pool: Dataset): Promise<Shadow[]> {
  const { validation } = input.victim.learned.domain;
  const n = pool.y.length;
  const names = shadowNames(input.params);
  return input.each(names, String, async (seed) => {
    const i = names.indexOf(seed);
    // Of the data and not of the attack, so that all attacks share the models.
    const random = new Random(pool.fingerprint).fork(`half ${i >> 1}`);
    const half = new Set(stratifiedSample(pool, Math.floor(n / 2), random));
    const learned = Array.from(pool.y, (_, k) => half.has(k) === (i % 2 === 0));
    const rows = learned.flatMap((is, k) => (is ? [k] : []));
    const model = await input.surrogate({
      train: takeSamples(pool, rows),
      seed,
    });
    input.onProgress(1);
    return {
      logits: await logitsOf(model, pool.x, input.engine),
      population: await logitsOf(model, validation.x, input.engine),
      learned,
    };
  });
}

/** Epochs of the head that the attacker puts on the base. */
const EPOCHS = 30;

/**
 * What the base says of samples behind a head that was tuned on the validation split.
 */
async function referenceOf(
  { victim, engine, random, signal, once }: Here,
  pool: Dataset,
): Promise<FloatTensor> {
  const { base, learned } = victim;
  const { validation } = learned.domain;
  if (!base) throw new Error("there is a base; the plan says so");
  return once("base reference", async () => {
    const own = random.fork("reference");
    const model = replaceHead(base, victim.model.classes, own.fork("head"));
    const { model: tuned } = await tuneEvenly({
      model,
      train: validation,
      validation,
      groups: layerGroups(model.graph).slice(-1),
      epochs: EPOCHS,
      settings: settingsSchema.parse({ learningRate: 1e-2 }),
      engine,
      random: own,
      signal,
    });
    return logitsOf(tuned, pool.x, engine);
  });
}

/** The samples of two datasets of the same classes, one behind the other. */
function joined(first: Dataset, second: Dataset): Dataset {
  return dataset(
    first.name,
    joinedRows([first.x, second.x]),
    Int32Array.from([...first.y, ...second.y]),
    first.classes,
    undefined,
    first.table,
    first.texts &&
      second.texts && {
        ...first.texts,
        strings: [...first.texts.strings, ...second.texts.strings],
      },
  );
}
