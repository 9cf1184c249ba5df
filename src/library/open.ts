import { decisions, REFUSED } from "#audit";
import { AssayError } from "#core";
import { type Engine, type EngineChoice, openEngine } from "#engine";
import {
  type CompiledModel,
  compile,
  type LossGradient,
  type Model,
  meaningOf,
  saidBy,
} from "#model";
import type { FloatTensor } from "#onnx";
import { requireInput, rightOf } from "./samples.ts";

/** A model that is ready to run. It holds native memory until it is released. */
export interface OpenModel {
  readonly model: Model;
  /**
   * What the model gives for each sample: logits [N, classes], or values [N, outputs].
   *
   * @param x [N, ...shape], in the unit of the model's input bounds
   * @throws INPUT_SHAPE, INPUT_VALUE, MODEL_RELEASED
   */
  logits(x: FloatTensor): Promise<FloatTensor>;
  /**
   * What it says of each sample: the class [N], by index, -1 where one of its detectors
   * refuses to answer. A model of several labels says 1 or 0 for each, one that answers
   * at positions a class for each, row after row [N * outputs].
   *
   * @param x [N, ...shape], in the unit of the model's input bounds
   * @throws INPUT_SHAPE, INPUT_VALUE, MODEL_RELEASED; PREDICT_VALUES for a model of
   *   values, which `logits` gives as they are
   */
  predict(x: FloatTensor): Promise<Int32Array>;
  /**
   * The loss of each sample [N], its gradient with respect to x (of a text model: to
   * its embeddings [N, length, width]), and the logits, from one pass.
   *
   * @param x [N, ...shape], in the unit of the model's input bounds
   * @param y N class indices; of a model of labels, values or positions what its
   *   outputs should be, [N, outputs] or [N, positions]
   * @param options the loss; that of the model's task when left out: cross-entropy of a
   *   classifier, mean binary cross-entropy of labels, mean squared error of values
   * @throws INPUT_SHAPE, INPUT_VALUE, INPUT_LABEL, MODEL_RELEASED; LOSS_CLASSES for a
   *   loss that needs more classes; GRADIENT_UNSUPPORTED, GRADIENT_NO_PATH for a model
   *   without a gradient
   */
  lossGradient(
    x: FloatTensor,
    y: ArrayLike<number> | FloatTensor,
    options?: LossOptions,
  ): Promise<LossGradient>;
  /** Frees what the engine holds. A second call does nothing. */
  release(): Promise<void>;
  /** The same, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What is differentiated. */
export interface LossOptions {
  /** Of the classes that attacks see; "dlr" needs three of them. */
  readonly loss?: "cross-entropy" | "margin" | "dlr";
}

/** A model and what runs it; only the library sees more of it than `OpenModel`. */
export class Opened implements OpenModel {
  readonly model: Model;
  readonly engine: Engine;
  readonly #compiled: CompiledModel;
  #isReleased = false;

  constructor(model: Model, engine: Engine, compiled: CompiledModel) {
    this.model = model;
    this.engine = engine;
    this.#compiled = compiled;
  }

  /** @throws MODEL_RELEASED */
  get compiled(): CompiledModel {
    if (!this.#isReleased) return this.#compiled;
    throw new AssayError(
      "MODEL_RELEASED",
      "the model was released, and can run no more",
      "Call release() after the last use, or open the model again.",
    );
  }

  async logits(x: FloatTensor): Promise<FloatTensor> {
    const { compiled, model } = this;
    requireInput(x, model);
    return compiled.logits(x);
  }

  async predict(x: FloatTensor): Promise<Int32Array> {
    const { compiled, model } = this;
    requireInput(x, model);
    if (model.task?.kind === "regression")
      throw new AssayError(
        "PREDICT_VALUES",
        "the model gives values, not classes",
        "Call logits(x): they are the values.",
      );
    const answers = await compiled.answers(x);
    if (meaningOf(model).targets)
      return Int32Array.from(saidBy(model, answers.logits)?.data ?? []);
    return decisions(model, answers).map((k) => (k === REFUSED ? -1 : k));
  }

  async lossGradient(
    x: FloatTensor,
    y: ArrayLike<number> | FloatTensor,
    { loss }: LossOptions = {},
  ): Promise<LossGradient> {
    const { compiled, model } = this;
    requireInput(x, model);
    const truth = "dims" in y ? { targets: y } : { y };
    const { y: labels, targets } = rightOf({ x, ...truth }, model);
    return compiled.lossGradient(x, labels, { loss, targets });
  }

  async release(): Promise<void> {
    if (this.#isReleased) return;
    this.#isReleased = true;
    await this.#compiled.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }
}

/**
 * Makes a model ready to run. Release it when it is no longer needed: what the engine
 * holds is native memory, which no garbage collector frees.
 *
 * @param choice the engine, "onnxruntime" when left out or "tfjs"; the device that
 *   onnxruntime computes on, "cpu" when left out; threads inside an operator, all
 *   cores when left out
 * @throws ENGINE_DEVICE, ENGINE_MISSING, ENGINE_LOAD
 * @example
 * ```ts
 * import { floats, loadModel, open } from "assay";
 *
 * const opened = await open(await loadModel("model.onnx"), { threads: 1 });
 * const x = floats([2, 1, 8, 8], new Float32Array(128).fill(0.5));
 * const classes = await opened.predict(x); // Int32Array [2]
 * const { loss, gradient } = await opened.lossGradient(x, [0, 1]);
 * console.log(classes.length, loss.length, gradient.dims); // 2 2 [ 2, 1, 8, 8 ]
 * await opened.release();
 * ```
 */
export async function open(
  model: Model,
  choice: EngineChoice = {},
): Promise<OpenModel> {
  const engine = await openEngine(choice);
  return new Opened(model, engine, await compile(model, engine));
}

/** Gives a model that is open, for as long as `use` takes where it was not. */
export async function whileOpen<T>(
  model: Model | OpenModel,
  use: (opened: Opened) => Promise<T>,
): Promise<T> {
  if (model instanceof Opened) return use(model);
  const opened = (await open(model as Model)) as Opened;
  try {
    return await use(opened);
  } finally {
    await opened.release();
  }
}
