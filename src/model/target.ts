import { AssayError } from "#core";
import type { FloatTensor } from "#onnx";
import {
  argmaxRows,
  type CompiledModel,
  type LossGradient,
} from "./compiled.ts";

/** What an attacker may use of the model: nothing, predicted labels, scores, gradients, or the public base instead. */
export type Access = "none" | "label" | "score" | "gradient" | "base";

/** Samples that were evaluated, by kind. */
export interface Queries {
  forward: number;
  gradient: number;
  /** Gradient queries on the public base. */
  base: number;
}

/**
 * All that an attack gets of the model it attacks: exactly the access of its
 * threat model, counted. What the access does not include throws
 * ACCESS_DENIED, so an attack cannot cheat.
 */
export interface Target {
  readonly access: Access;
  readonly classes: number;
  /** The predicted class of each sample. Needs access "label", "score" or "gradient". */
  predict(x: FloatTensor): Promise<Int32Array>;
  /** Logits [N, classes]. Needs access "score" or "gradient". */
  scores(x: FloatTensor): Promise<FloatTensor>;
  /** Cross-entropy, its gradient and the logits. Needs access "gradient". */
  lossGradient(
    x: FloatTensor,
    labels: ArrayLike<number>,
  ): Promise<LossGradient>;
  /** The public base with its own head, with full access to it. Needs access "base". */
  readonly base: Target;
  readonly queries: Readonly<Queries>;
}

const allowed: Readonly<Record<Access, readonly string[]>> = {
  none: [],
  label: ["predict"],
  score: ["predict", "scores"],
  gradient: ["predict", "scores", "lossGradient"],
  base: ["base"],
};

/**
 * A target with the given access to a model.
 *
 * @param base the public base model, where there is one
 */
export function grantAccess(
  model: CompiledModel,
  access: Access,
  base?: CompiledModel,
): Target {
  const queries: Queries = { forward: 0, gradient: 0, base: 0 };
  const require = (what: string) => {
    if (!allowed[access].includes(what)) {
      throw new AssayError(
        "ACCESS_DENIED",
        `the attack asked for ${what}, its access is "${access}"`,
        "Declare the access that the attack needs in its meta.",
      );
    }
  };
  const surrogate = base && grantAccess(base, "gradient");
  return {
    access,
    classes: model.model.classes.length,
    async predict(x) {
      require("predict");
      queries.forward += x.dims[0] ?? 0;
      return argmaxRows(await model.logits(x));
    },
    async scores(x) {
      require("scores");
      queries.forward += x.dims[0] ?? 0;
      return model.logits(x);
    },
    async lossGradient(x, labels) {
      require("lossGradient");
      queries.gradient += x.dims[0] ?? 0;
      return model.lossGradient(x, labels);
    },
    get base() {
      require("base");
      if (surrogate) return surrogate;
      throw new AssayError(
        "NO_BASE",
        "the attack needs the public base, the suite names none",
        "Add a base to the suite, or remove the attack.",
      );
    },
    get queries() {
      return {
        ...queries,
        base:
          (surrogate?.queries.gradient ?? 0) +
          (surrogate?.queries.forward ?? 0),
      };
    },
  };
}
