import { fork } from "node:child_process";
import { statSync } from "node:fs";
import type { TryModel } from "#audit";
import {
  AssayError,
  InterruptedError,
  messageOf,
  packagePath,
  UsageError,
} from "#core";
import type { LoadModelOptions } from "#model";

/** What the process of a first run is told. */
export interface FirstRun {
  readonly path: string;
  readonly options: LoadModelOptions;
  /** Whether its gradient is taken as well. */
  readonly gradient: boolean;
  /** Limits that take the place of ours. */
  readonly stated: { readonly seconds?: number; readonly bytes?: number };
}

/** What it says when it is done: the files that hold the model. */
export interface FirstRunMessage {
  readonly files: readonly string[];
}

/**
 * Opens and runs a model once in a process of its own, within limits of time and
 * memory, with its gradient where that is asked for. That process ends itself when it
 * is over one, and says over which.
 *
 * @param signal ends that process
 * @throws MODEL_FIRST_RUN, InterruptedError
 */
export function tryModel(
  path: string,
  options: LoadModelOptions,
  gradient: boolean,
  signal?: AbortSignal,
): ReturnType<TryModel> {
  // What cannot be read is said where the model is opened.
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    return Promise.resolve([path]);
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
    let files: readonly string[] | undefined;
    let over = "";
    child.stdout?.on("data", (text) => {
      over += text;
    });
    child.on("message", (message: FirstRunMessage) => {
      files = message.files;
    });
    child.on("error", (error) =>
      reject(
        error.name === "AbortError"
          ? new InterruptedError()
          : broken(path, messageOf(error)),
      ),
    );
    child.on("close", (code, signal) => {
      if (files && code === 0) return resolve(files);
      const what = gradient ? `${path}, with its gradient,` : path;
      reject(over ? tooMuch(what, over) : broken(what, signal ?? `${code}`));
    });
    child.send(
      { path, options, gradient, stated } satisfies FirstRun,
      () => {},
    );
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
    `${path} takes more than ${what} to be opened and run on two samples`,
    "Do not use it unless you know why; ASSAY_MODEL_SECONDS and ASSAY_MODEL_GB state other limits.",
  );

const broken = (path: string, how: string) =>
  new AssayError(
    "MODEL_FIRST_RUN",
    `${path} breaks the process that opens it and runs it on two samples (${how})`,
    "Do not use a model that does this. Export it again, or ask who made it.",
  );
