import { overhead } from "./overhead.ts";
import { virtualTime } from "./virtual-time.ts";

/** Prints what works cost beside what they compute, and where scheduling ends. */
export async function scale(): Promise<void> {
  await overhead();
  console.log("");
  await virtualTime();
}
