/** What every unit of a kind keeps, for any runner of tests. */
export interface Law {
  /** What is kept, in a sentence. */
  readonly title: string;
  /** @throws a plain error that says what was not kept */
  check(): Promise<void>;
}

/** Throws where something does not hold. */
export function ensure(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

/** Throws where two lists of numbers are not the same, number by number. */
export function ensureSame(
  one: ArrayLike<number>,
  other: ArrayLike<number>,
  what: string,
): void {
  ensure(
    one.length === other.length,
    `${what}: ${one.length} numbers, then ${other.length}`,
  );
  for (let i = 0; i < one.length; i++)
    ensure(
      Object.is(one[i], other[i]),
      `${what}: ${one[i]}, then ${other[i]}, at ${i}`,
    );
}

/** The value, made at the first call. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
