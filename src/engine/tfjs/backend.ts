import { createRequire } from "node:module";
import { AssayError, messageOf } from "#core";
import type { TensorFlow } from "./kernel.ts";

/** TensorFlow.js as it was found. */
export interface Backend {
  readonly tf: TensorFlow;
  /** Such as "@tensorflow/tfjs". */
  readonly package: string;
  readonly version: string;
  /** Such as "cpu" or "tensorflow". */
  readonly name: string;
}

/** The packages that hold TensorFlow.js, the fastest first. */
export const packages = [
  "@tensorflow/tfjs-node-gpu",
  "@tensorflow/tfjs-node",
  "@tensorflow/tfjs",
] as const;

/** Where packages come from. A test may have others. */
export interface Packages {
  isInstalled(name: string): boolean;
  load(name: string): Promise<unknown>;
}

const require = createRequire(import.meta.url);

const installed: Packages = {
  isInstalled(name) {
    try {
      require.resolve(name);
      return true;
    } catch {
      return false;
    }
  },
  load: (name) => import(name),
};

/**
 * The first package that is installed. One that is there but cannot be loaded
 * is told of.
 *
 * @throws ENGINE_MISSING when there is none
 */
export async function findBackend(
  onWarning: (message: string) => void = () => {},
  from: Packages = installed,
): Promise<Backend> {
  // Its native library would greet on the terminal.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
  for (const name of packages.filter((p) => from.isInstalled(p))) {
    let found: unknown;
    try {
      found = await from.load(name);
    } catch (error) {
      onWarning(
        `${name} is installed but cannot be loaded: ${messageOf(error).split("\n")[0]}`,
      );
      continue;
    }
    return ready(found as TensorFlow & { default?: TensorFlow }, name);
  }
  throw new AssayError(
    "ENGINE_MISSING",
    `the engine tfjs needs one of ${packages.join(", ")}, and none can be used`,
    "npm install @tensorflow/tfjs",
  );
}

async function ready(
  module: TensorFlow & { default?: TensorFlow },
  name: string,
): Promise<Backend> {
  const tf = module.default ?? module;
  // Otherwise the plain package advertises the others on the terminal.
  tf.env().set("PROD", true);
  // The one for the browser looks for a canvas first.
  if (name === "@tensorflow/tfjs") await tf.setBackend("cpu");
  await tf.ready();
  return {
    tf,
    package: name,
    version: tf.version.tfjs ?? tf.version["tfjs-core"],
    name: tf.getBackend(),
  };
}
