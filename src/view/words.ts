import { decimal, line, percent } from "#core";
import type { Rate } from "#results";

/** A time of the results document, to the minute. */
export const moment = (iso: string): string =>
  line(iso).replace(/^(\d{4}-\d\d-\d\d)T(\d\d:\d\d).*Z$/, "$1 $2 UTC");

/** A share with its interval. */
export const share = ({ value, low, high }: Rate) => ({
  value: percent(value),
  interval: `[${decimal(100 * low)}, ${decimal(100 * high)}]`,
});
