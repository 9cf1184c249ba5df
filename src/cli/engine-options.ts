import { Option } from "commander";
import { devices, type EngineChoice } from "#engine";

/** What `deviceOption` parses to. */
export interface EngineOptions {
  readonly device?: EngineChoice["device"];
}

/** `--device`, the same in every command that runs models. */
export const deviceOption = () =>
  new Option(
    "--device <device>",
    "what onnxruntime computes on; each graph is compared with the CPU once",
  )
    .choices([...devices, "auto"])
    .default("cpu");
