import { join } from "node:path";
import { z } from "zod";
import { AssayError, jsonText, Random, UsageError, writeFile } from "#core";
import { type Dataset, encodePng, selectClasses } from "#data";
import { inversionParams, type Trigger } from "#defenses";
import type { Engine } from "#engine";
import {
  type LoadModelOptions,
  loadModel,
  type Model,
  readGraph,
  recordedClasses,
} from "#model";
import type { Graph } from "#onnx";
import type { Check } from "../results/index.ts";
import type { LoadedSuite } from "../suite/index.ts";
import { checkFits, type PreparedData, prepareData } from "../tasks/index.ts";
import { checkOf } from "./check.ts";
import { dormantNote, triggerCheck } from "./clean.ts";
import { largestMargins, type MarginSettings, marginCheck } from "./margins.ts";
import { staticChecks } from "./static.ts";

/** How thoroughly a model is searched. */
export interface ScanSettings extends MarginSettings {
  /** Steps of the search for each trigger. */
  readonly triggerSteps: number;
}

/**
 * Those of Neural Cleanse but for the batch, which is ours, and ours for the margins.
 */
const thorough: ScanSettings = { starts: 20, steps: 100, triggerSteps: 1000 };

/** What a look at a base found. */
export interface Scan {
  readonly file: string;
  readonly checks: readonly Check[];
  /** The largest margin of each class; absent where it was not looked for. */
  readonly margins?: readonly {
    readonly class: string;
    readonly margin: number;
  }[];
  /** The smallest trigger into each class; absent where none was looked for. */
  readonly triggers?: readonly (Pick<
    Trigger,
    "size" | "success" | "anomaly" | "flagged"
  > & { readonly class: string })[];
  /**
   * A sentence each: what was seen and decides nothing, and what could
   * not be looked at.
   */
  readonly notes: readonly string[];
}

interface Looked {
  readonly scan: Scan;
  /** A PNG of each trigger, by file name. */
  readonly pictures: ReadonlyMap<string, Uint8Array>;
}

/**
 * Looks at a base before it is tuned: at its graph, at the margins of its classes,
 * and with a suite at the triggers that its clean data allow.
 *
 * @param suite whose base says how the file is read, and whose data are clean: those of
 *   the pre-training where they have the model's classes, else the target's
 * @throws what `readGraph`, `normalise` and reading the data throw;
 *   DATA_SHAPE, DATA_BOUNDS, DATA_CLASSES for data that the model does not take, or of
 *   classes with other names
 */
export async function scanModel(
  file: string,
  engine: Engine,
  loaded?: LoadedSuite,
  settings: ScanSettings = thorough,
): Promise<Looked> {
  const { graph, check } = readWithin(file);
  const pictures = new Map<string, Uint8Array>();
  if (!graph) {
    const notes = ["The model was not read further."];
    return { scan: { file, checks: [check], notes }, pictures };
  }
  const checks = [check, ...staticChecks(graph)];
  const { model: _, pretrain: __, ...stated } = loaded?.suite.base ?? {};
  // The suite names the outputs of a base that has no names of its own.
  const own = recordedClasses(graph, file);
  const model = await tryLoading(
    file,
    own ? { ...stated, classes: own } : stated,
  );
  if (typeof model === "string") {
    const notes = [`Margins and triggers were not looked for: ${model}.`];
    return { scan: { file, checks, notes }, pictures };
  }
  const data = loaded ? await prepareData(loaded) : undefined;
  const clean = data && cleanFor(model, own ?? stated.classes, data);
  const found = await scanWeights(model, clean, engine, settings);
  for (const trigger of found.triggers ?? [])
    pictures.set(
      `trigger-${trigger.label}.png`,
      await pictureOf(trigger, model),
    );
  return {
    scan: {
      file,
      checks: [...checks, ...found.checks],
      margins: found.margins?.map((margin, label) => ({
        class: model.classes[label] ?? String(label),
        margin,
      })),
      triggers: found.triggers?.map(
        ({ label, size, success, anomaly, flagged }) => ({
          class: model.classes[label] ?? String(label),
          size,
          success,
          anomaly,
          flagged,
        }),
      ),
      notes: [
        ...found.notes,
        ...(clean
          ? []
          : [
              "Triggers were not looked for: name a suite with clean data (--suite).",
            ]),
      ],
    },
    pictures,
  };
}

/** Writes scan.json and the pictures of triggers into a folder. */
export function writeScan(folder: string, { scan, pictures }: Looked): void {
  writeFile(join(folder, "scan.json"), jsonText(scan));
  for (const [name, png] of pictures) writeFile(join(folder, name), png);
}

/** The model, or why it cannot be read as one. */
async function tryLoading(
  file: string,
  options: LoadModelOptions,
): Promise<Model | string> {
  try {
    return await loadModel(file, options);
  } catch (error) {
    if (error instanceof AssayError) return error.message;
    throw error;
  }
}

/**
 * Clean samples of the model's classes, labelled in its order: by name where it and the
 * data have names, by their number otherwise.
 */
export function cleanFor(
  model: Model,
  names: readonly string[] | undefined,
  { pretraining, target }: Pick<PreparedData, "pretraining" | "target">,
): Dataset {
  const known = [pretraining, target].flatMap((p) => p?.validation ?? []);
  const named =
    names && known.find((d) => names.every((n) => d.classes.includes(n)));
  const counted = known.find(
    ({ classes }) =>
      classes.length === model.classes.length &&
      (!names || (areCounted(classes) && names.some((n) => !/^\d+$/.test(n)))),
  );
  if (names && !named && !counted)
    throw new UsageError(
      "DATA_CLASSES",
      `the model has the classes ${names.join(", ")}, the data of the suite ${known.map((d) => d.classes.join(", ")).join(", or ")}`,
      "Name a suite with data of the model's classes; base.classes names the outputs of a file that has no names of its own.",
    );
  const clean =
    names && named
      ? selectClasses(named, names)
      : (counted ?? target.validation);
  checkFits(clean, model, model.classes, "the model");
  return clean;
}

/** Whether classes have no names but their numbers. */
const areCounted = (classes: readonly string[]) =>
  classes.every((name, k) => name === String(k));

/** The checks that run the model: of a classifier alone, and with clean data. */
export async function scanWeights(
  model: Model,
  clean: Dataset | undefined,
  engine: Engine,
  { triggerSteps, ...margin }: ScanSettings,
) {
  const random = new Random("scan");
  const checks: Check[] = [];
  const notes: string[] = [];
  /** What cannot be done with a model is told. It is no fault of the base. */
  const attempt = async <T>(what: string, run: () => Promise<T>) => {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof AssayError)) throw error;
      notes.push(`${what} were not looked for: ${error.message}.`);
      return undefined;
    }
  };
  let margins: number[] | undefined;
  if ((model.task?.kind ?? "classes") !== "classes" || model.embedding)
    notes.push(
      "Margins were not looked for: the model is no classifier of numbers.",
    );
  else if (model.classes.length < 4)
    notes.push("Margins were not compared: that takes four classes.");
  else
    margins = await attempt("Margins", () =>
      largestMargins(model, margin, engine, random.fork("margins")),
    );
  if (margins) checks.push(marginCheck(margins, model.classes).check);
  const found =
    clean &&
    (await attempt("Triggers", () =>
      triggerCheck(
        model,
        clean,
        { ...inversion.parse({ steps: triggerSteps }), batchSize: 64 },
        engine,
        random.fork("triggers"),
      ),
    ));
  if (found) checks.push(found.check);
  if (clean) notes.push(await dormantNote(model, clean, engine));
  return { checks, notes, margins, triggers: found?.triggers };
}

const inversion = z.strictObject(inversionParams);

/** A trigger on black, in the range of the input. */
function pictureOf(
  { mask, pattern }: Trigger,
  { contract: { bounds, shape } }: Model,
): Promise<Uint8Array> {
  const [low, high] = bounds;
  const size = mask.data.length;
  const shown = pattern.data.map(
    (v, i) => ((v - low) / (high - low)) * mask.data[i % size]!,
  );
  return encodePng(shown, shape as [number, number, number]);
}

/**
 * The graph, and whether all of it lies in the model's folder. A path out of it
 * is not followed.
 */
function readWithin(file: string): { graph: Graph | null; check: Check } {
  const looked = {
    id: "external-data",
    title: "Weights lie in the model's folder",
    otherwise: "failed",
    clean: "Nothing is read from outside the folder of the model.",
  } as const;
  try {
    const graph = readGraph(file);
    return { graph, check: checkOf(looked, [], "") };
  } catch (error) {
    if (!(error instanceof AssayError) || error.code !== "MODEL_PATH")
      throw error;
    const found = checkOf(
      looked,
      [error.message],
      "it would read other files of the machine. Do not use the model.",
    );
    return { graph: null, check: found };
  }
}
