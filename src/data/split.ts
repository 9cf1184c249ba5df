import { type Random, UsageError } from "#core";
import { type Dataset, type Part, takeSamples, withParts } from "./dataset.ts";
import { PARTS } from "./parts.ts";
import { apportion, indicesByClass } from "./strata.ts";

/** Shares of the samples, each in [0, 1]. What they leave of 1 is not used. */
export type Shares = Readonly<Record<Part, number>>;

/** Shares such as 0.7 + 0.2 + 0.1 do not add up to 1 exactly. */
const tolerance = 1e-9;

/**
 * Splits a dataset as it says itself, or by chance, class by class, so that each class
 * is divided in the
 * given shares (largest remainder); data with targets as a whole. The parts are
 * disjoint and keep the order of the samples. A share of 0 gives an empty part. Throws
 * a UsageError when the shares are not in [0, 1] or exceed 1 together, and when a class
 * gets no sample in a part whose share is not 0.
 */
export function splitDataset(
  data: Dataset,
  shares: Shares,
  rng: Random,
): Record<Part, Dataset> {
  const rest = unusedShare(shares);
  if (data.parts) return splitAsGiven(data, data.parts, shares, rng);
  const chosen: Record<Part, number[]> = {
    train: [],
    validation: [],
    test: [],
  };
  for (const { of, members } of strataOf(data)) {
    const size = members.length;
    const counts = apportion(
      [...PARTS.map((part) => shares[part] * size), rest * size],
      size,
    );
    const order = rng.permutation(size);
    let from = 0;
    for (const [i, part] of PARTS.entries()) {
      const count = counts[i]!;
      if (count === 0 && shares[part] > 0) {
        throw new UsageError(
          "DATA_SPLIT_CLASS",
          `${of} of ${data.name} has ${size} samples, so a ${part} share of ${shares[part]} leaves it none`,
          `Raise the ${part} share, add samples, or leave the class out.`,
        );
      }
      for (const place of order.slice(from, from + count)) {
        chosen[part].push(members[place]!);
      }
      from += count;
    }
  }
  const take = (part: Part) => takeSamples(data, chosen[part].sort(ascending));
  return {
    train: take("train"),
    validation: take("validation"),
    test: take("test"),
  };
}

/**
 * The split that the data has. Where it has no validation part, this is drawn from the
 * training part, by the shares of the two.
 *
 * @throws DATA_SPLIT for data without training or test samples
 */
function splitAsGiven(
  data: Dataset,
  parts: NonNullable<Dataset["parts"]>,
  shares: Shares,
  rng: Random,
): Record<Part, Dataset> {
  const plain = withParts(data, undefined);
  const [train, validation, test] = PARTS.map((part) =>
    takeSamples(
      plain,
      Array.from(parts.keys()).filter((i) => parts[i] === part),
    ),
  ) as [Dataset, Dataset, Dataset];
  for (const [part, { y }] of [
    ["training", train],
    ["test", test],
  ] as const)
    if (y.length === 0)
      throw new UsageError(
        "DATA_SPLIT",
        `the split of ${data.name} has no ${part} samples`,
        "Call its parts train, validation and test; validation may be left out.",
      );
  if (validation.y.length > 0) return { train, validation, test };
  const both = shares.train + shares.validation;
  const drawn = splitDataset(
    train,
    {
      train: shares.train / both,
      validation: shares.validation / both,
      test: 0,
    },
    rng,
  );
  return { ...drawn, test };
}

function unusedShare(shares: Shares): number {
  const values = PARTS.map((part) => shares[part]);
  const sum = values.reduce((a, b) => a + b, 0);
  const valid = values.every((share) => share >= 0 && share <= 1);
  if (!valid || sum > 1 + tolerance) {
    throw new UsageError(
      "DATA_SPLIT_SHARES",
      `the split has shares ${PARTS.map((part) => `${part} ${shares[part]}`).join(", ")}; each must be from 0 to 1 and their sum at most 1`,
      "Lower the shares until they add up to 1 or less.",
    );
  }
  return sum > 1 - tolerance ? 0 : 1 - sum;
}

/**
 * Indices of `count` samples drawn by chance, each class in proportion to its
 * size (largest remainder), in ascending order. Throws a UsageError when
 * `count` is not a whole number from 1 to the number of samples.
 */
export function stratifiedSample(
  data: Dataset,
  count: number,
  rng: Random,
): number[] {
  const size = data.y.length;
  if (!Number.isInteger(count) || count < 1 || count > size) {
    throw new UsageError(
      "DATA_SAMPLE_COUNT",
      `${count} samples were asked of ${data.name}, which has ${size}`,
      `Ask for a whole number from 1 to ${size}.`,
    );
  }
  const groups = strataOf(data);
  const counts = apportion(
    groups.map(({ members }) => (members.length * count) / size),
    count,
  );
  return groups
    .flatMap(({ members }, label) =>
      rng
        .permutation(members.length)
        .slice(0, counts[label])
        .map((place) => members[place]!),
    )
    .sort(ascending);
}

/**
 * What is divided evenly: the samples of each class, or all of them where a sample has
 * no single class.
 */
function strataOf({ y, classes, targets }: Dataset) {
  if (targets) return [{ of: "the whole", members: Array.from(y.keys()) }];
  return indicesByClass(y, classes.length).map((members, label) => ({
    of: `class "${classes[label]}"`,
    members,
  }));
}

function ascending(a: number, b: number): number {
  return a - b;
}
