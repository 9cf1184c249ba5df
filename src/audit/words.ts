import { decimal } from "#core";

/** A count or a plain number: one decimal place, where it has any. */
export function number(value: number): string {
  return decimal(value).replace(/\.0$/, "");
}

/** A share of a setting as a person wrote it: 0.001 as "0.1 %". */
export const written = (share: number): string =>
  // Rounded only as far as binary fractions need.
  `${Number((100 * share).toPrecision(6))} %`;

/** "1 sample", "3 samples". */
export function samples(count: number): string {
  return `${count} ${count === 1 ? "sample" : "samples"}`;
}
