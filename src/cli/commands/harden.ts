import { Command } from "commander";
import { fitToSuite, learns, loadSuite, parseDocument } from "#audit";
import { type Chosen, choiceOf, UsageError } from "#core";
import { type ChosenDefense, defend, type Reactive } from "#defenses";
import { onnxruntime } from "#engine";
import { loadModel, saveModel } from "#model";
import { ownUnits, reactiveOf, type Units } from "#units";
import { tryModel } from "../first-run.ts";
import { noUseOption } from "../suite-options.ts";

export const hardenCommand = new Command("harden")
  .argument("<model>", ".onnx file, or model.json of TensorFlow.js")
  .requiredOption(
    "--defense <defense...>",
    "a sanitizer or detector, or '{ id: ..., parameters }'; the first is nearest the input",
  )
  .requiredOption("--out <file>", "the hardened .onnx")
  .option(
    "--suite <file>",
    "the suite on whose data defences that learn are fitted, detectors among them; those of modules that it uses can be named",
  )
  .addOption(noUseOption())
  .option(
    "--head <task>",
    "the task that is hardened, of a file with several (default: the first)",
  )
  .addHelpText(
    "after",
    `
Examples:
  assay harden candidate.onnx --defense bit-depth --out hardened.onnx
  assay harden candidate.onnx --defense '{ id: bit-depth, bits: 3 }' median --out hardened.onnx
  assay harden candidate.onnx --defense pca energy --suite suites/demo.yaml --out hardened.onnx

Sanitizers of texts (unicode, spelling, onion) work on strings; no .onnx can hold them.`,
  )
  .action(
    async (file: string, { defense, out, suite, use, head }: HardenOptions) => {
      const loaded =
        suite === undefined ? undefined : await loadSuite(suite, { use });
      const chosen = defense.map(parserOf(loaded?.units ?? ownUnits));
      await tryModel(file, { head }, false);
      const model = await loadModel(file, { head });
      const learning = chosen.find(learns);
      if (learning && !loaded)
        throw new UsageError(
          "DEFENSE_FIT",
          `${learning.unit.id} has to be fitted to the model's data`,
          "Name the suite that has the data: --suite <file>.",
        );
      const fitted =
        loaded === undefined
          ? (chosen as readonly ChosenDefense[])
          : await fitToSuite(chosen, model, loaded, onnxruntime, head);
      const defended = defend(model, fitted);
      saveModel(out, defended, {
        ...(defended.noise ? { "assay.noise": NOISE } : {}),
        "assay.defense": JSON.stringify(
          chosen.map(({ unit, params }) => ({ id: unit.id, params })),
        ),
      });
      process.stdout.write(`${out}\n`);
    },
  );

interface HardenOptions {
  readonly defense: string[];
  readonly out: string;
  readonly suite?: string;
  readonly use?: boolean;
  readonly head?: string;
}

/** What a hardened file says of its randomness. */
const NOISE =
  "This model draws at random. Its noise comes from seeded nodes in the graph, so what it answers depends on how often it was asked.";

const parserOf = (units: Units) => {
  const schema = choiceOf(reactiveOf(units));
  return (text: string): Chosen<Reactive> =>
    parseDocument(text, "--defense", schema);
};
