import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { defineConfig, type MarkdownRenderer } from "vitepress";

/** Titles and links of the generated pages: `npm run docs:ready` writes them. */
const groups: {
  readonly text: string;
  readonly link: string;
  readonly items: readonly { readonly text: string; readonly link: string }[];
}[] = JSON.parse(
  readFileSync(new URL("./groups.json", import.meta.url), "utf8"),
);

const page = (text: string, link: string) => ({ text, link });

/**
 * Documents name files of the repository, such as a suite. A code host leads there; the
 * site has no such files, so that it shows their names alone.
 */
function withoutOutsideLinks(md: MarkdownRenderer): void {
  md.core.ruler.push("outside-links", ({ tokens, env }) => {
    const here = posix.dirname(env.relativePath ?? "");
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type !== "link_open") continue;
      const href = token.attrGet("href") ?? "";
      if (!/^\.{1,2}\//.test(href)) continue;
      const to = posix.join(here, href);
      if (!to.startsWith("../")) continue;
      token.attrs = [["title", to.slice(3)]];
    }
  });
}

/** The pages that people wrote, and where the generated ones begin. */
const written = [
  {
    text: "Begin",
    items: [
      page("What Assay is", "/"),
      page("First audit in ten minutes", "/first-audit"),
      page("What the demo finds", "/demo"),
      page("Suites", "/suites"),
      page("The command line", "/command-line"),
      page("From other libraries", "/coming-from"),
      page("Glossary", "/glossary"),
    ],
  },
  {
    text: "Recipes",
    items: [
      page("In CI", "/pipelines"),
      page("The report", "/report"),
      page("Comparing runs", "/comparing"),
      page("In a browser", "/view"),
      page("Formats for other tools", "/formats"),
      page("From code", "/library"),
      page("Data, tables", "/data"),
      page("Texts", "/texts"),
      page("Models", "/models"),
      page("Several tasks", "/tasks"),
      page("Many cores, many machines", "/scaling"),
    ],
  },
  {
    text: "Attacks and defences",
    items: [
      page("Attacks on the fine-tuning", "/attacks-on-fine-tuning"),
      page("Attacks through the base", "/transfer"),
      page("Sanitizers", "/sanitizers"),
      page("Training defences", "/training-defenses"),
    ],
  },
  {
    text: "Numbers",
    items: [
      page("What the numbers mean", "/trust"),
      page("Statistics for reviewers", "/statistics"),
      page("Results", "/results"),
      page("Parity with other tools", "/parity"),
      page("Performance", "/performance"),
    ],
  },
  {
    text: "Units and checks",
    items: groups.map(({ text, link }) => page(text, link)),
  },
  {
    text: "Reference",
    items: [
      page("Error codes", "/error-codes"),
      page("API", "/api/"),
      page("Extending Assay", "/extending"),
      page("Architecture", "/architecture"),
    ],
  },
];

/** Beside a unit stand the others of its kind, and beside all others what was written. */
const sidebar = {
  ...Object.fromEntries(
    groups.map(({ text, link, items }) => [
      link,
      [
        { items: [page("Documentation", "/")] },
        { text, items: [page("All", link), ...items] },
        {
          text: "Others",
          items: groups
            .filter((other) => other.link !== link)
            .map((other) => page(other.text, other.link)),
        },
      ],
    ]),
  ),
  "/": written,
};

export default defineConfig({
  title: "Assay",
  description:
    "Audits fine-tuned ONNX models: fine-tune, attack, defend, report.",
  lang: "en",
  head: [["link", { rel: "icon", href: "data:," }]],
  // The index of the search is large, and loaded when somebody searches.
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  srcExclude: ["README.md"],
  markdown: { config: withoutOutsideLinks },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      page("First audit", "/first-audit"),
      page("Units", "/units/attacks/"),
      page("Trust checks", "/checks/"),
      page("Numbers", "/trust"),
      page("API", "/api/"),
    ],
    sidebar,
  },
});
