import { Command } from "commander";
import { openEngine } from "#engine";
import { type Inspection, inspectModel } from "#model";
import { coloursFor } from "../colour.ts";
import { deviceOption, type EngineOptions } from "../engine-options.ts";
import { columns } from "../format.ts";

interface InspectOptions extends EngineOptions {
  shape?: string;
  json?: boolean;
}

export const inspectCommand = new Command("inspect")
  .description("inputs, outputs, layer groups and gradients of a model")
  .argument("<model>", ".onnx file")
  .option(
    "--shape <sizes>",
    "shape of one input sample where the model leaves it open, such as 3,224,224",
  )
  .addOption(deviceOption())
  .option("--json", "print an object")
  .addHelpText(
    "after",
    `
Examples:
  assay inspect base.onnx
  assay inspect base.onnx --shape 3,224,224 --json`,
  )
  .action(async (model: string, { shape, json, device }: InspectOptions) => {
    const input = shape ? { shape: shape.split(",").map(Number) } : undefined;
    const engine = await openEngine({
      device,
      onWarning: (message) => process.stderr.write(`${message}\n`),
    });
    const inspection = await inspectModel(model, engine, { input });
    process.stdout.write(
      json ? `${JSON.stringify(inspection, null, 2)}\n` : text(inspection),
    );
  });

function text(i: Inspection): string {
  const pc = coloursFor(process.stdout);
  const value = (v: Inspection["inputs"][number]) =>
    `  ${v.name}: ${v.type} [${v.dims?.map((d) => d ?? "?").join(", ") ?? "?"}]`;
  const groups = columns([
    ["  group", "parameters", "weights"],
    ...i.groups.map((g) => [
      `  ${g.name}`,
      g.size.toLocaleString("en"),
      g.parameters.join(" "),
    ]),
  ]);
  const { supported, unsupported, selfCheck } = i.gradient;
  const error = selfCheck?.maxRelativeError;
  return `${[
    pc.bold(i.file),
    `  ${i.producer || "unknown producer"}, opset ${i.opset}, ${i.parameters.toLocaleString("en")} parameters`,
    pc.bold("Inputs"),
    ...i.inputs.map(value),
    pc.bold("Outputs"),
    ...i.outputs.map(value),
    ...(i.classes ? [`  classes: ${i.classes.join(", ")}`] : []),
    pc.bold("Layer groups, from input to output; the last is the head"),
    groups,
    pc.bold("Operators"),
    `  ${Object.entries(i.operators)
      .map(([op, n]) => `${op} ${n}`)
      .join(", ")}`,
    pc.bold("Gradient"),
    supported ? `  ${pc.green("supported")}` : `  ${pc.red("not supported")}`,
    ...(unsupported.length
      ? [`  operators without a rule: ${unsupported.join(", ")}`]
      : []),
    ...(error === undefined
      ? []
      : [
          `  self-check: largest relative error against finite differences ${error.toExponential(1)}`,
        ]),
    ...(i.problem
      ? [
          pc.bold("What keeps it from being audited as it is"),
          `  ${i.problem.message}`,
          `  ${i.problem.hint}`,
        ]
      : []),
  ].join("\n")}\n`;
}
