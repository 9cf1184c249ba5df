import { InvalidArgumentError, Option } from "commander";
import { devices, engines } from "#core";
import type { EngineChoice } from "#engine";

/** What `engineOption` and `deviceOption` parse to. */
export interface EngineOptions {
  readonly engine?: EngineChoice["engine"];
  readonly device?: EngineChoice["device"];
}

/** `--engine`, the same in every command that runs models. */
export const engineOption = () =>
  new Option(
    "--engine <engine>",
    "what runs graphs; tfjs needs @tensorflow/tfjs-node-gpu, @tensorflow/tfjs-node or @tensorflow/tfjs (default: onnxruntime)",
  ).choices([...engines]);

/** `--device`, the same in every command that runs models. */
export const deviceOption = () =>
  new Option(
    "--device <device>",
    "what onnxruntime computes on; each graph is compared with the CPU once",
  )
    .choices([...devices, "auto"])
    .default("cpu");

/** `--workers`, the same in every command that does the works of a run. */
export const workersOption = () =>
  new Option(
    "--workers <n>",
    "processes that compute (default: what does best on these cores, which is measured once)",
  ).argParser((text) => {
    const n = Number(text);
    if (Number.isInteger(n) && n > 0) return n;
    throw new InvalidArgumentError("It has to be a whole number above 0.");
  });

/** Workers where none are asked for: a device or TensorFlow.js is for one. */
export const usualWorkers = ({
  engine,
  device,
}: EngineOptions): "auto" | undefined =>
  engine !== "tfjs" && (device === undefined || device === "cpu")
    ? "auto"
    : undefined;
