import { Option } from "commander";
import { devices, type EngineChoice, engines } from "#engine";

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
