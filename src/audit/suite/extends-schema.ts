import { z } from "zod";

/** What a suite is put over: one name, or several. */
export const extendsSchema = z
  .union([z.string().min(1), z.array(z.string().min(1))])
  .transform((names) => [names].flat());
