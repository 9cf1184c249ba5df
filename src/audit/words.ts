/** "43.2 %", and "43 %" where nothing is lost. */
export function percent(share: number): string {
  return `${number(100 * share)} %`;
}

/** A number with one decimal place, where it has any. */
export function number(value: number): string {
  return String(Number(value.toFixed(1)));
}

/** "1 sample", "3 samples". */
export function samples(count: number): string {
  return `${count} ${count === 1 ? "sample" : "samples"}`;
}
