import type { Random } from "#core";
import {
  type Answering,
  copyOfSamples,
  countOf,
  grantAccess,
  type Limit,
  putSamples,
  type Samples,
  sampleAt,
  samplesAt,
  type Target,
  type Terms,
} from "#model";
import { type FloatTensor, takeRows } from "#onnx";
import type { Attack, AttackInput } from "./attack.ts";

/**
 * Samples with what is right of them, and the heads that are attacked with the model.
 */
export type Attackable<X extends Samples = FloatTensor> = Pick<
  Terms<X>,
  "x" | "targets" | "beside"
> & { readonly y: Int32Array };

/** All that running an attack takes of it. */
export interface Runnable<X extends Samples, B extends Limit<X>> {
  readonly unit: Pick<Attack, "access"> & {
    run(input: AttackInput<never, X, B>): Promise<X>;
  };
  readonly params: unknown;
}

/** How an attack is run besides. */
interface Circumstances<X extends Samples>
  extends Pick<Terms<X>, "base" | "draws">,
    Partial<
      Pick<
        AttackInput<unknown>,
        "others" | "source" | "onNote" | "onMeasure" | "onPart" | "onProgress"
      >
    > {
  /** The samples that are attacked; all when left out. */
  readonly rows?: readonly number[];
  /** What the attack draws from: each sample from the fork of its row. */
  readonly random: Random;
}

/**
 * Grants an attack its access to a model: the target is there at once, the attack
 * runs when it is asked to.
 *
 * @param budget what examples have to stay within, and most queries of each sample
 * @throws TARGET_TERMS when samples, labels and targets do not fit each other, the
 *   bounds or the model
 */
export function attackOn<X extends Samples, B extends Limit<NoInfer<X>>>(
  model: Answering<NoInfer<X>>,
  samples: Attackable<X>,
  { unit, params }: Runnable<NoInfer<X>, B>,
  { ball, queries }: { readonly ball: B; readonly queries?: number },
  {
    base,
    draws,
    random,
    rows: chosen,
    onProgress = () => {},
    ...more
  }: Circumstances<NoInfer<X>>,
): {
  /** Of the attacked rows alone. */
  readonly target: Target<X>;
  /**
   * One example of each sample; the sample itself where it is not attacked, and where
   * the example is a row that there cannot be.
   */
  run(): Promise<X>;
} {
  const { x, y, targets, beside } = chosen ? someOf(samples, chosen) : samples;
  const n = countOf(samples.x);
  const rows = chosen ?? Array.from({ length: n }, (_, i) => i);
  const target = grantAccess<X>(model, {
    x,
    y,
    targets,
    beside,
    access: unit.access,
    limit: ball,
    queries,
    base,
    draws,
  });
  return {
    target,
    async run() {
      const examples = copyOfSamples(samples.x);
      if (rows.length === 0) return examples;
      const made = await unit.run({
        ...more,
        x,
        y,
        target,
        ball,
        params: params as never,
        random: rows.map((row) => random.fork(row)),
        onProgress,
      });
      const { size } = target.notFinite;
      if (size > 0)
        more.onNote?.(
          `saw gradients with numbers that are not finite, of ${size} of ${samples.y.length} samples; these numbers counted as 0`,
        );
      const real = rows.flatMap((_, i) =>
        ball.allows?.(sampleAt(x, i), sampleAt(made, i)) === false ? [] : [i],
      );
      if (real.length < rows.length)
        more.onNote?.(
          `gave ${rows.length - real.length} of ${n} rows that there cannot be, which do not count`,
        );
      putSamples(
        examples,
        real.map((i) => rows[i]!),
        samplesAt(made, real),
      );
      return examples;
    },
  };
}

/** Some of the samples. */
export function someOf<X extends Samples>(
  samples: Attackable<X>,
  rows: readonly number[],
): Attackable<X> {
  const right = <T extends Pick<Attackable, "y" | "targets">>(all: T) => ({
    ...all,
    y: Int32Array.from(rows, (row) => all.y[row]!),
    targets: all.targets && takeRows(all.targets, rows),
  });
  const { x, y, targets, beside } = samples;
  return {
    ...right({ y, targets }),
    x: samplesAt(x, rows),
    beside: beside?.map(right),
  };
}
