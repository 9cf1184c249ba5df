import { Command } from "commander";
import { parse } from "yaml";
import { type Chosen, choiceOf, UsageError } from "#core";
import { defend, type Sanitizer, sanitizers } from "#defenses";
import { loadModel, saveModel } from "#model";

export const hardenCommand = new Command("harden")
  .description(
    "put sanitizers in front of a model and save it as one .onnx that runs anywhere",
  )
  .argument("<model>", ".onnx file, or model.json of TensorFlow.js")
  .requiredOption(
    "--defense <defense...>",
    "a sanitizer, or '{ id: ..., parameters }'; the first is nearest the input",
  )
  .requiredOption("--out <file>", "the hardened .onnx")
  .addHelpText(
    "after",
    `
Examples:
  assay harden candidate.onnx --defense bit-depth --out hardened.onnx
  assay harden candidate.onnx --defense '{ id: bit-depth, bits: 3 }' median --out hardened.onnx`,
  )
  .action(
    (file: string, { defense, out }: { defense: string[]; out: string }) => {
      const chosen = defense.map(parseDefense);
      saveModel(out, defend(loadModel(file), chosen), {
        "assay.defense": JSON.stringify(
          chosen.map(({ unit, params }) => ({ id: unit.id, params })),
        ),
      });
      process.stdout.write(`${out}\n`);
    },
  );

function parseDefense(text: string): Chosen<Sanitizer> {
  const parsed = choiceOf(sanitizers).safeParse(parse(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(
    "DEFENSE_INVALID",
    `--defense ${text}: ${issue?.path.join(".") ?? ""} ${issue?.message ?? ""}`.trim(),
    `Choose from ${sanitizers.map((s) => s.id).join(", ")}; \`assay list defenses --json\` shows their parameters.`,
  );
}
