import { Command } from "commander";
import { fitToSuite, learns, parseDocument } from "#audit";
import { type Chosen, choiceOf, UsageError } from "#core";
import {
  type ChosenDefense,
  defend,
  type Reactive,
  reactiveDefenses,
} from "#defenses";
import { onnxruntime } from "#engine";
import { loadModel, saveModel } from "#model";
import { tryModel } from "../first-run.ts";

export const hardenCommand = new Command("harden")
  .description(
    "put sanitizers and detectors in front of a model and save it as one .onnx that runs anywhere",
  )
  .argument("<model>", ".onnx file, or model.json of TensorFlow.js")
  .requiredOption(
    "--defense <defense...>",
    "a sanitizer or detector, or '{ id: ..., parameters }'; the first is nearest the input",
  )
  .requiredOption("--out <file>", "the hardened .onnx")
  .option(
    "--suite <file>",
    "the suite on whose data defences that learn are fitted, detectors among them",
  )
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
    async (file: string, { defense, out, suite, head }: HardenOptions) => {
      const chosen = defense.map(parseDefense);
      await tryModel(file, { head });
      const model = await loadModel(file, { head });
      const learning = chosen.find(learns);
      if (learning && suite === undefined)
        throw new UsageError(
          "DEFENSE_FIT",
          `${learning.unit.id} has to be fitted to the model's data`,
          "Name the suite that has the data: --suite <file>.",
        );
      const fitted =
        suite === undefined
          ? (chosen as readonly ChosenDefense[])
          : await fitToSuite(chosen, model, suite, onnxruntime, head);
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
  readonly head?: string;
}

/** What a hardened file says of its randomness. */
const NOISE =
  "This model draws at random. Its noise comes from seeded nodes in the graph, so what it answers depends on how often it was asked.";

const parseDefense = (text: string): Chosen<Reactive> =>
  parseDocument(text, "--defense", choiceOf(reactiveDefenses));
