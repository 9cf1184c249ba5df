import { z } from "zod";

/** What a schema wants, in words, where its parts would say it badly. */
export const expectations = z.registry<{ expected: string }>();

/** A number, or the text of a fraction such as "8/255", which becomes the quotient. */
export const numberOrFraction = z
  .union([
    z.number(),
    z.string().regex(/^\s*\d+(\.\d+)?\s*\/\s*0*[1-9]\d*\s*$/),
  ])
  .register(expectations, {
    expected: "a number or a fraction such as 8/255",
  })
  .transform((value) => {
    if (typeof value === "number") return value;
    const [top, bottom] = value.split("/");
    return Number(top) / Number(bottom);
  });
