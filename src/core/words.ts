/** -3.14 as "−3.1", with one decimal place; what rounds to nothing has no sign. */
export const decimal = (value: number): string =>
  value
    .toFixed(1)
    .replace(/^-0\.0$/, "0.0")
    .replace("-", "−");

/** 0.7213 as "72.1 %". */
export const percent = (share: number): string => `${decimal(100 * share)} %`;

/** 83.2 seconds as "1 min 23 s", 4,980 as "1 h 23 min". */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  const parts =
    hours > 0
      ? [`${hours} h`, `${minutes % 60} min`]
      : [`${minutes} min`, `${whole % 60} s`];
  return parts.filter((part) => !part.startsWith("0 ")).join(" ") || "0 s";
}

/** A word as a shell takes it. */
export const quoted = (text: string): string =>
  /^[\w./:@+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
