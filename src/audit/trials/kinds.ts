import type { TrialAttack } from "#attacks";
import type { Chosen } from "#core";
import { backdoor } from "./backdoor/backdoor.ts";
import { language } from "./language/language.ts";
import { poisoning } from "./poisoning/poisoning.ts";
import { targetedPoisoning } from "./poisoning/targeted-poisoning.ts";
import { extraction } from "./privacy/extraction.ts";
import { inversion } from "./privacy/inversion.ts";
import { membership } from "./privacy/membership.ts";
import { property } from "./privacy/property.ts";
import { tampering } from "./tampering/tampering.ts";
import { undo } from "./tampering/undo.ts";
import { activation } from "./transfer/activation.ts";
import { fingerprint } from "./transfer/fingerprint.ts";
import type { Protocol } from "./trial.ts";

/** How an attack on a fine-tuning is tried. */
export function protocolOf({ unit }: Chosen<TrialAttack>): Protocol {
  const found = protocols.find(({ kind }) => kind === unit.kind);
  if (!found) throw new Error(`no protocol tries ${unit.kind}`);
  return found;
}

/**
 * How each kind of attack on a fine-tuning is tried. A new one is a file
 * and a line here.
 */
export const protocols: readonly Protocol[] = [
  poisoning,
  targetedPoisoning,
  backdoor,
  tampering,
  undo,
  activation,
  fingerprint,
  membership,
  inversion,
  extraction,
  property,
  language,
];
