/**
 * Where PyTorch's exporter records the module of a node, from the outermost to the
 * operation itself.
 */
export const SCOPES = "pkg.torch.onnx.name_scopes";

/**
 * The innermost module in such a record: "a.b" of "['', 'a', 'a.b', 'linear_1']";
 * undefined at the root.
 */
export function scopeIn(record: string): string | undefined {
  const names = [...record.matchAll(/'([^']*)'/g)].map((m) => m[1] ?? "");
  return names.at(-2) || undefined;
}

/** The record of a module, as short as it can be read back. */
export const scopeRecord = (scope: string, node: string) =>
  `['${scope}', '${node}']`;
