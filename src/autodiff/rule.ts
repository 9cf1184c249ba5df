import { AssayError } from "#core";
import { describeNode, type GraphBuilder, type Node } from "#onnx";

/**
 * What an engine may lack, so that rules write it otherwise. "large kernels" are
 * convolutions with kernels of the size of an image, whose own gradient costs far more
 * than they do.
 */
export type Avoidable = "MaxPool indices" | "large kernels";

/**
 * Threads that an operator of a training step gets at most: with so many and fewer,
 * gradients of weights are the same bits.
 */
export const MOST_THREADS = 4;

/** What a gradient rule sees of one node. */
export interface RuleContext {
  readonly b: GraphBuilder;
  readonly node: Node;
  readonly inputs: readonly string[];
  /** The first two inputs, and the first output; "" where the node has none. */
  readonly x: string;
  readonly y: string;
  readonly out: string;
  /**
   * The gradient (cotangent) of the first output; in a rule with several outputs, of
   * whichever has one.
   */
  readonly g: string;
  /** The gradient of each output, absent where nothing depends on it. */
  readonly gradients: readonly (string | undefined)[];
  /**
   * Whether the gradient of this input will be used; only costly or restricted
   * rules need to ask.
   */
  readonly needs: (input: number) => boolean;
  /** The node that makes a value; undefined of an input or a constant. */
  readonly makerOf: (value: string) => Node | undefined;
  readonly avoid: readonly Avoidable[];
}

/**
 * Returns the gradient of each input: `undefined` where the rule has none, so
 * that `gradient()` refuses the node if it would have been needed, and `null`
 * where the output does not depend on the input. A gradient in
 * the shape of the output is summed down to the shape of a broadcast input,
 * added to others and dropped when unused by `gradient()`.
 */
export type Rule = (
  context: RuleContext,
) => readonly (string | undefined | null)[];
export type RuleTable = Readonly<Record<string, Rule>>;

/** The error of a rule that does not cover this form of its operator. */
export function unsupported(
  node: Node,
  what: string,
  hint: string,
): AssayError {
  return new AssayError(
    "GRADIENT_UNSUPPORTED",
    `no gradient for ${describeNode(node)}: ${what}`,
    hint,
  );
}
