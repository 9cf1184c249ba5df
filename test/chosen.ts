import { type ChosenSanitizer, sanitizers } from "#defenses";

/** A sanitizer by its id, with its parameters. */
export function chosenSanitizer(
  id: string,
  params: Record<string, unknown> = {},
): ChosenSanitizer {
  const unit = sanitizers.find((s) => s.id === id) as ChosenSanitizer["unit"];
  return { unit, params: unit.params.parse(params) };
}
