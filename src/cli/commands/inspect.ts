import { Command, InvalidArgumentError, Option } from "commander";
import { jsonText, line, lines } from "#core";
import { type Engine, onnxruntime, openEngine } from "#engine";
import {
  type Inspection,
  inspectModel,
  type LoadModelOptions,
  pools,
} from "#model";
import {
  deviceOption,
  type EngineOptions,
  engineOption,
} from "../engine-options.ts";
import { inspectApart, tryModel } from "../first-run.ts";
import { inspectionText } from "../inspection-text.ts";

type Input = NonNullable<LoadModelOptions["input"]>;

interface InspectOptions extends EngineOptions {
  input?: string;
  shape?: number[];
  layout?: Input["layout"];
  bounds?: [number, number];
  scale?: number;
  mean?: number[];
  std?: number[];
  fill?: Input["others"];
  padding?: number;
  output?: string;
  pool?: LoadModelOptions["pool"];
  classes?: string[];
  task?: keyof typeof tasks;
  all?: boolean;
  json?: boolean;
}

/**
 * What outputs may mean; how far off a value may be, and how many positions, does not
 * matter here.
 */
const tasks = {
  classes: { kind: "classes" },
  binary: { kind: "binary" },
  "multi-label": { kind: "multi-label" },
  regression: { kind: "regression", tolerance: 1 },
  positions: { kind: "positions", least: 1 },
  ctc: { kind: "ctc" },
  lm: { kind: "lm" },
} as const satisfies Record<string, LoadModelOptions["task"]>;

export const inspectCommand = new Command("inspect")
  .argument("<model>", ".onnx file, or model.json of TensorFlow.js")
  .option("--input <name>", "the input that attacks change")
  .option(
    "--shape <sizes>",
    "one sample, channels first, where the model leaves it open: 3,224,224",
    sizes,
  )
  .addOption(
    new Option(
      "--layout <layout>",
      "where images have their channels; told by the shape when left out",
    ).choices(["NCHW", "NHWC"]),
  )
  .option("--bounds <low,high>", "range of raw values (default: 0,1)", bounds)
  .option(
    "--scale <factor>",
    "what raw values are multiplied by (default: 255 for bytes, 1 otherwise)",
    positive,
  )
  .option("--mean <values>", "what is subtracted then: 0.485,0.456,0.406", list)
  .option("--std <values>", "what it is divided by then", list)
  .option(
    "--fill <input=value>",
    "what another input gets: a number, mask or positions; once for each",
    filling,
  )
  .option("--padding <token>", "the token that fills up short texts", whole)
  .option("--output <name>", "the output that is judged, of several")
  .addOption(
    new Option(
      "--pool <how>",
      "how features at places become one row, of a body without a head",
    ).choices(pools),
  )
  .option("--classes <names>", "their names a,b,c, or how many", classes)
  .addOption(
    new Option(
      "--task <kind>",
      "what the outputs mean; told by the model when left out",
    ).choices(Object.keys(tasks)),
  )
  .addOption(engineOption())
  .addOption(deviceOption())
  .option("--all", "list every layer group with its weights")
  .option("--json", "print an object")
  .addHelpText(
    "after",
    `
Examples:
  assay inspect base.onnx
  assay inspect base.onnx --shape 3,224,224 --classes cat,dog
  assay inspect price.onnx --task regression
  assay inspect bytes.onnx --layout NHWC --scale 255
  assay inspect encoder.onnx --input input_ids --fill token_type_ids=0 --shape 128
  assay inspect base.onnx --all --json
  assay inspect keras/model.json --engine tfjs`,
  )
  .action(async (model: string, options: InspectOptions) => {
    const {
      engine: chosen,
      device,
      all = false,
      json,
      classes: named,
    } = options;
    const engine = await openEngine({
      engine: chosen,
      device,
      onWarning: (message) => process.stderr.write(`${line(message)}\n`),
    });
    if (chosen === "tfjs") process.stderr.write(`Running on ${engine.title}\n`);
    const read: LoadModelOptions = {
      input: inputOf(options),
      head: options.output,
      pool: options.pool,
      classes: named,
      task: options.task && tasks[options.task],
    };
    const inspection = await inspected(model, engine, read);
    process.stdout.write(
      json ? jsonText(inspection) : inspectionText(lines(inspection), { all }),
    );
  });

/** On another engine or device the model is first run on the CPU, within limits. */
async function inspected(
  path: string,
  engine: Engine,
  read: LoadModelOptions,
): Promise<Inspection> {
  if (engine === onnxruntime) return inspectApart(path, read);
  await tryModel(path, read, true);
  return inspectModel(path, engine, read);
}

/**
 * What the options state of the input; undefined when they state nothing, so that a
 * file that knows is believed.
 */
function inputOf(o: InspectOptions): Input | undefined {
  const stated: Input = {
    name: o.input,
    shape: o.shape,
    layout: o.layout,
    bounds: o.bounds,
    scale: o.scale,
    mean: o.mean,
    std: o.std,
    others: o.fill,
    padding: o.padding,
  };
  return Object.values(stated).some((v) => v !== undefined)
    ? stated
    : undefined;
}

function list(text: string): number[] {
  const values = text.split(",").map((part) => Number(part.trim() || "?"));
  if (values.every(Number.isFinite)) return values;
  throw new InvalidArgumentError("Expected numbers with commas between them.");
}

function sizes(text: string): number[] {
  const values = list(text);
  if (values.every((v) => Number.isInteger(v) && v > 0)) return values;
  throw new InvalidArgumentError("Expected whole numbers above 0.");
}

function bounds(text: string): [number, number] {
  const [low, high, ...more] = list(text);
  if (low !== undefined && high !== undefined && low < high && !more.length)
    return [low, high];
  throw new InvalidArgumentError(
    "Expected the lowest and the highest value, such as 0,1.",
  );
}

function positive(text: string): number {
  const [value = 0, ...more] = list(text);
  if (value > 0 && more.length === 0) return value;
  throw new InvalidArgumentError("Expected a number above 0.");
}

function whole(text: string): number {
  const value = Number(text.trim() || "?");
  if (Number.isInteger(value) && value >= 0) return value;
  throw new InvalidArgumentError("Expected a whole number.");
}

type Fillings = ReadonlyMap<string, number | "mask" | "positions">;

function filling(text: string, before: Fillings = new Map()): Fillings {
  const [, name, value = ""] = /^(.+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined) {
    if (value === "mask" || value === "positions")
      return new Map([...before, [name, value]]);
    if (Number.isFinite(Number(value)))
      return new Map([...before, [name, Number(value)]]);
  }
  throw new InvalidArgumentError(
    "Expected name=number, name=mask or name=positions.",
  );
}

/** More classes than any model has are a slip of the keyboard. */
const MOST_CLASSES = 1_000_000;

function classes(text: string): string[] {
  const count = Number(text);
  if (!/^\d+$/.test(text.trim())) return text.split(",").map((c) => c.trim());
  if (count > 0 && count <= MOST_CLASSES)
    return Array.from({ length: count }, (_, i) => String(i));
  throw new InvalidArgumentError("Expected names, or a number above 0.");
}
