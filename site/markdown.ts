/** Plain text as Markdown that VitePress takes for text: no tags, no emphasis. */
export function prose(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part, i) =>
      i % 2 === 1
        ? part
        : part.replace(/[<&{}*_|\\]/g, (c) => `&#${c.charCodeAt(0)};`),
    )
    .join("");
}

/** A reference with a link to its paper, where it names one. */
export function paper(reference: string): string {
  const links: readonly (readonly [RegExp, (id: string) => string])[] = [
    [/arXiv:(\d{4}\.\d{4,5})/, (id) => `https://arxiv.org/abs/${id}`],
    [/doi:(\S+)/, (id) => `https://doi.org/${id}`],
  ];
  for (const [pattern, linkOf] of links) {
    const id = pattern.exec(reference)?.[1];
    if (id) return `[${prose(reference)}](${linkOf(id)})`;
  }
  return prose(reference);
}

/** A table; cells are Markdown already. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join(
    "\n",
  );
}

/** A page with its title and what searches and browsers show of it. */
export function page(
  title: string,
  description: string,
  ...parts: readonly (string | undefined)[]
): string {
  const front = `---\ntitle: ${JSON.stringify(title)}\ndescription: ${JSON.stringify(description)}\n---`;
  const there = parts.filter((part) => part !== undefined && part !== "");
  return `${[front, `# ${prose(title)}`, ...there].join("\n\n")}\n`;
}
