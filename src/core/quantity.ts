import { z } from "zod";
import { expectations } from "./fraction.ts";

/** A number with a unit, or without one in the smallest. */
const quantity = (
  units: Readonly<Record<string, number>>,
  example: string,
  smallest: string,
) => {
  const pattern = new RegExp(
    `^(\\d+(?:\\.\\d+)?) ?(${Object.keys(units).join("|")})?$`,
  );
  const expected = `a number of ${smallest}, or one with a unit (${Object.keys(units).join(", ")}) such as ${example}`;
  return z
    .union([z.number().positive(), z.string().regex(pattern)], {
      error: `expected ${expected}`,
    })
    .register(expectations, { expected })
    .transform((written) => {
      if (typeof written === "number") return written;
      const [, number, unit] = written.match(pattern)!;
      return Number(number) * (unit ? units[unit]! : 1);
    })
    .pipe(z.number().positive());
};

/** A time in seconds: 600, "600", "10min" or "10m", "2h". */
export const seconds = quantity(
  { s: 1, min: 60, m: 60, h: 3600, d: 86_400 },
  "10min",
  "seconds",
);

/** A size in bytes: 4e9, "512MB", "4GB", "4GiB". */
export const bytes = quantity(
  {
    B: 1,
    kB: 1e3,
    MB: 1e6,
    GB: 1e9,
    TB: 1e12,
    KiB: 2 ** 10,
    MiB: 2 ** 20,
    GiB: 2 ** 30,
    TiB: 2 ** 40,
  },
  "4GB",
  "bytes",
);
