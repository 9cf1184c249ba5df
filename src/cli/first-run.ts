import { fork } from "node:child_process";
import { statSync } from "node:fs";
import type { TryModel } from "#audit";
import {
  AssayError,
  InterruptedError,
  messageOf,
  packagePath,
  revived,
  type SentError,
  UsageError,
} from "#core";
import { onnxruntime } from "#engine";
import { type Inspection, inspectModel, type LoadModelOptions } from "#model";

/** What the process of a first run is told. */
export interface FirstRun {
  readonly path: string;
  readonly options: LoadModelOptions;
  /** Runs it, with its gradient, or looks at all of it. */
  readonly what: "run" | "gradient" | "inspect";
  /** Limits that take the place of ours. */
  readonly stated: { readonly seconds?: number; readonly bytes?: number };
}

/** What it says when it is done. */
export type FirstRunMessage =
  /** The files that hold the model. */
  | { readonly files: readonly string[] }
  | { readonly inspection: Inspection }
  | { readonly error: SentError };

/**
 * Opens and runs a model once in a process of its own, within limits of time and
 * memory, with its gradient where that is asked for. That process ends itself when it
 * is over one, and says over which.
 *
 * @param signal ends that process
 * @throws MODEL_FIRST_RUN, InterruptedError
 */
export async function tryModel(
  path: string,
  options: LoadModelOptions,
  gradient: boolean,
  signal?: AbortSignal,
): ReturnType<TryModel> {
  // What cannot be read is said where the model is opened.
  if (!isFile(path)) return [path];
  const what = gradient ? "gradient" : "run";
  const said = await apart({ path, options, what }, signal);
  return "files" in said ? said.files : [path];
}

/**
 * Inspects a model in a process of its own, within the same limits.
 *
 * @throws MODEL_FIRST_RUN, or what `inspectModel` throws
 */
export async function inspectApart(
  path: string,
  options: LoadModelOptions,
): Promise<Inspection> {
  // What cannot be read says so.
  if (!isFile(path)) return inspectModel(path, onnxruntime, options);
  const said = await apart({ path, options, what: "inspect" });
  if ("inspection" in said) return said.inspection;
  throw "error" in said ? revived(said.error) : broken(path, "no answer");
}

const isFile = (path: string) =>
  statSync(path, { throwIfNoEntry: false })?.isFile() === true;

function apart(
  told: Omit<FirstRun, "stated">,
  signal?: AbortSignal,
): Promise<FirstRunMessage> {
  const { path } = told;
  const stated = {
    seconds: setting("ASSAY_MODEL_SECONDS"),
    bytes: setting("ASSAY_MODEL_GB", 2 ** 30),
  };
  const child = fork(packagePath("dist/src/cli/first-run-child.js"), {
    serialization: "advanced",
    signal,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "ignore", "ipc"],
  });
  return new Promise((resolve, reject) => {
    let said: FirstRunMessage | undefined;
    let over = "";
    child.stdout?.on("data", (text) => {
      over += text;
    });
    child.on("message", (message: FirstRunMessage) => {
      said = message;
    });
    child.on("error", (error) =>
      reject(
        error.name === "AbortError"
          ? new InterruptedError()
          : broken(path, messageOf(error)),
      ),
    );
    child.on("close", (code, signal) => {
      if (said && code === 0) return resolve(said);
      const what = told.what === "run" ? path : `${path}, with its gradient,`;
      reject(over ? tooMuch(what, over) : broken(what, signal ?? `${code}`));
    });
    child.send({ ...told, stated } satisfies FirstRun, () => {});
  });
}

function setting(name: string, unit = 1): number | undefined {
  const text = process.env[name];
  if (text === undefined) return undefined;
  const value = unit * Number(text);
  if (value > 0) return value;
  throw new UsageError(
    "SETTING",
    `${name} is "${text}", expected a number above 0`,
    "Correct it, or leave it out.",
  );
}

const tooMuch = (path: string, what: string) =>
  new AssayError(
    "MODEL_FIRST_RUN",
    `${path} takes more than ${what} to be opened and run on a few samples`,
    "Do not use it unless you know why; ASSAY_MODEL_SECONDS and ASSAY_MODEL_GB state other limits.",
  );

const broken = (path: string, how: string) =>
  new AssayError(
    "MODEL_FIRST_RUN",
    `${path} breaks the process that opens it and runs it on a few samples (${how})`,
    "Do not use a model that does this. Export it again, or ask who made it.",
  );
