import type { Architecture } from "./architecture.ts";
import { decoder } from "./decoder.ts";
import { madryCnn } from "./madry-cnn.ts";
import { mlp } from "./mlp.ts";
import { smallCnn, smallCnnBn } from "./small-cnn.ts";
import { smallUnet } from "./small-unet.ts";

/** Every built-in architecture. A new one is a file and a line here. */
export const architectures: readonly Architecture[] = [
  smallCnn,
  smallCnnBn,
  madryCnn,
  mlp,
  smallUnet,
  decoder,
];

/** The architecture of this id, which is known to be one. */
export function architectureOf(id: string): Architecture {
  const found = architectures.find((a) => a.id === id);
  if (!found) throw new Error(`${id} is none of the architectures`);
  return found;
}
