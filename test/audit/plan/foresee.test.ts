import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadSuite, planSuite, prepareSuite, runAudit } from "#audit";
import { UsageError } from "#core";
import { temporaryFolder } from "../../folder.ts";

const folder = temporaryFolder();

const whole = {
  version: 1,
  title: "foreseen",
  data: { source: "digits" },
  classes: ["5", "6", "7"],
  samples: 10,
  tasks: {
    ink: {
      relabel: { above: 0.5 },
      task: { kind: "regression", tolerance: 0.1 },
    },
  },
  base: {
    classes: ["0", "1", "2"],
    pretrain: { architecture: "small-cnn", epochs: 1 },
  },
  shift: [],
  candidates: {
    full: { strategy: "full", epochs: 7 },
    gradual: { strategy: "gradual-unfreezing", epochs: 4 },
    both: { strategy: "full", tasks: ["main", "ink"] },
  },
  threatModels: { small: { norm: "linf", eps: 0.1 } },
  attacks: {
    fgsm: "fgsm",
    features: { id: "feature-pgd", cut: "conv1", surrogate: "unrelated" },
  },
  trajectory: { attack: "fgsm", threatModel: "small", every: 2 },
  trials: {
    flips: { attack: { id: "label-flip", budgets: [1, 0.5] } },
    patch: { attack: { id: "badnets", target: "6" } },
    loss: { attack: "loss-threshold" },
    undo: { attack: { id: "further-tuning", undo: { what: "backdoor" } } },
  },
  repairs: { cleaned: ["label-sanitisation"], pruned: ["fine-pruning"] },
};

/** The suite with other values at these places. */
async function suiteWith(changes: Record<string, unknown>) {
  const suite = structuredClone(whole) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split(".");
    const last = keys.pop() as string;
    const at = keys.reduce(
      (map, key) => map[key] as Record<string, unknown>,
      suite,
    );
    at[last] = value;
  }
  const file = join(mkdtempSync(join(folder, "s-")), "suite.yaml");
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(suite));
  return file;
}

test("a plan has all that a run computes, and what can be tried nowhere is not in it", async () => {
  const loaded = await loadSuite(await suiteWith({}));
  const { cells, trials, alongTraining } = planSuite(loaded);
  await prepareSuite(loaded);
  expect(cells).toHaveLength(2 * 4);
  expect(
    alongTraining.map(({ cell, epochs }) => [cell.candidate, epochs]),
  ).toEqual([
    ["full", 4],
    ["gradual", 2],
    ["both.main", 15],
    ["both.ink", 15],
  ]);
  const ids = trials.map(({ id }) => id);
  expect(ids).toHaveLength(2 * 4 * 3 + 2);
  // A filter takes a candidate that can be tuned again, and membership
  // is about classes.
  expect(ids.filter((id) => id.startsWith("both"))).toEqual([
    "both.main/none/loss",
    "both.main/pruned/loss",
  ]);
});

test("cells on the source domain are planned as well", async () => {
  const file = await suiteWith({ shift: ["invert"], attackSource: true });
  const { cells, onSource } = planSuite(await loadSuite(file));
  expect(onSource.map(({ id }) => id)).toEqual(
    cells.filter((c) => c.candidate !== "both.ink").map(({ id }) => id),
  );
});

const tables = {
  data: { source: "loans" },
  classes: undefined,
  tasks: {},
  base: {
    classes: ["no", "yes"],
    pretrain: { architecture: "mlp", epochs: 1 },
  },
  candidates: { full: { strategy: "full" } },
  attacks: {},
  trajectory: undefined,
  trials: {},
  repairs: {},
};

test.each<[string, Record<string, unknown>, string]>([
  [
    "a cut that the base does not have",
    { "attacks.features.surrogate": "base", "attacks.features.cut": "conv9" },
    'attacks.features.cut: the model cannot be cut behind "conv9"',
  ],
  [
    "a private training on samples that the base was pre-trained on",
    {
      shift: ["invert"],
      "base.classes": undefined,
      "candidates.full.training": "dp-sgd",
    },
    "candidates.full: the base is pre-trained on samples that dp-sgd is to keep private",
  ],
  [
    "the same of classes in common",
    {
      "base.classes": ["0", "1", "5"],
      "candidates.full.training": "dp-sgd",
    },
    "candidates.full: the base is pre-trained on samples that dp-sgd is to keep private",
  ],
  [
    "one that the unrelated model does not have",
    { "attacks.features.cut": "conv9" },
    'attacks.features.cut: the model cannot be cut behind "conv9"',
  ],
  [
    "the cut of a trial",
    { "trials.print": { attack: { id: "fingerprint", cut: "conv9" } } },
    "trials.print.cut: the model cannot be cut",
  ],
  [
    "the cut of a candidate",
    { "candidates.full.cut": "conv9" },
    "candidates.full: the model cannot be cut",
  ],
  [
    "too few epochs for a strategy",
    { "candidates.gradual.epochs": 2 },
    'candidates.gradual: strategy "gradual-unfreezing" needs 3 epochs',
  ],
  [
    "a class that is not there",
    { "trials.patch.attack.target": "3" },
    'trials.patch: target is "3", which is no class of the task',
  ],
  [
    "one inside a choice",
    { "trials.undo.attack.undo": { what: "class", class: "0" } },
    'trials.undo: undo.class is "0"',
  ],
  [
    "one of a repair",
    { "repairs.pruned": [{ id: "unlearn", class: "0" }] },
    'repairs.pruned: class is "0"',
  ],
  [
    "more poisons than samples",
    { "trials.flips.attack.budgets": [1, 1000] },
    "trials.flips: label-flip needs 1000 samples for its budgets",
  ],
  [
    "a trial of images on rows",
    { ...tables, trials: { patch: { attack: "badnets" } } },
    "trials.patch: badnets works on images, the samples are rows",
  ],
  [
    "a trial that makes rows, of a table with constraints",
    { ...tables, trials: { brew: { attack: "witches-brew" } } },
    "trials.brew: witches-brew makes inputs by their numbers alone",
  ],
  [
    "an attack on images, on rows",
    {
      ...tables,
      threatModels: { any: { norm: "none" } },
      attacks: { weather: "corruptions" },
    },
    "attacks.weather: corruptions works on images, the samples are rows",
  ],
  [
    "a defence of images, of rows",
    { ...tables, attacks: { fgsm: "fgsm" }, defenses: { smooth: ["median"] } },
    "defenses.smooth: median works on images, the samples are rows",
  ],
  [
    "an augmentation of images, of rows",
    {
      ...tables,
      candidates: { full: { strategy: "full", augment: ["flip"] } },
      attacks: { fgsm: "fgsm" },
    },
    "candidates.full: flip works on images, the samples are rows",
  ],
  [
    "a repair of classes, of values",
    {
      trials: { noise: { attack: "weight-noise", candidates: ["both.ink"] } },
      repairs: { forgotten: [{ id: "unlearn", class: "ink" }] },
    },
    "repairs.forgotten: unlearn is about classes, and the outputs are labels",
  ],
  [
    "weights of classes that are not there",
    { "candidates.full.classWeights": { nine: 2 } },
    'candidates.full: classWeights names "nine", which is no class of the task',
  ],
  [
    "the same of the base",
    {
      "base.pretrain.classWeights": { nine: 2 },
    },
    'base: classWeights names "nine"',
  ],
  [
    "a repair of convolutions without one",
    {
      ...tables,
      trials: { flips: { attack: "label-flip" } },
      repairs: { pruned: ["fine-pruning"] },
    },
    "repairs.pruned: fine-pruning prunes channels of a convolution",
  ],
])("%s is refused before anything is trained", async (_, changes, message) => {
  const file = await suiteWith(changes);
  const out = join(folder, "never");
  await expect(runAudit({ suite: file, out })).rejects.toSatisfy(
    (error) =>
      error instanceof UsageError &&
      error.message.startsWith(`${file}: ${message}`),
  );
  expect(existsSync(join(out, "models"))).toBe(false);
});

test.each<[string, Record<string, unknown>, string]>([
  [
    "a trial that tunes again, on a candidate that is not tuned here",
    { "trials.flips.candidates": ["full", "both"] },
    "trials.flips: label-flip cannot be tried on both: it fine-tunes",
  ],
  [
    "a backdoor to wake, of a candidate that is not tuned here",
    { "trials.undo.candidates": ["both"] },
    "trials.undo: further-tuning cannot be tried on both: it fine-tunes",
  ],
  [
    "a trial about classes, on values",
    { "trials.loss.candidates": ["both.ink"] },
    "trials.loss: loss-threshold cannot be tried on both.ink: it is about",
  ],
  [
    "a filter where nothing is tuned again",
    { "trials.loss.candidates": ["both"] },
    'trials.loss: repair "cleaned" cleans the fine-tuning set',
  ],
  [
    "a class to bring back, of values",
    {
      "trials.undo.attack.undo": { what: "class", class: "ink" },
      "trials.undo.candidates": ["both.ink"],
    },
    "trials.undo: further-tuning cannot be tried on both.ink: it is about",
  ],
  [
    "an attack through a base, without one",
    { base: undefined, "attacks.features.surrogate": "base" },
    "attacks.features: feature-pgd needs a base, and the suite names none",
  ],
  [
    "a base with a secret, of a base that the suite does not train",
    {
      base: { model: "base.onnx" },
      "attacks.features.surrogate": "base",
      trials: { secret: { attack: "latent" } },
    },
    "trials.secret: latent needs the data that the base was trained on",
  ],
  [
    "a copy by public inputs that nobody has",
    {
      base: { model: "base.onnx" },
      "attacks.features.surrogate": "base",
      trials: { copy: { attack: "knockoff" } },
    },
    "trials.copy: knockoff needs the data that the base was trained on",
  ],
])("%s is refused by the suite alone", async (_, changes, message) => {
  const file = await suiteWith(changes);
  const loaded = await loadSuite(file);
  expect(() => planSuite(loaded)).toThrow(`${file}: ${message}`);
});
