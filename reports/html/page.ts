import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import Handlebars from "handlebars";
import { packagePath, sha256, withoutUnseen } from "#core";

/** Templates that are a page by themselves; the others are parts of pages. */
const pages = ["report", "runs-page", "history-page"] as const;

/** A link at the top of a page, where it is one of several that a server shows. */
export interface WayBack {
  readonly href: string;
  readonly text: string;
}

/**
 * A page as one HTML file that needs nothing else: no network, no fonts, and all
 * there is to read without a script. Its policy allows one script, by its hash. The
 * same view gives the same bytes. All text from outside is escaped by Handlebars and
 * stands only in text and quoted attributes.
 */
export function page(name: (typeof pages)[number], view: object): string {
  const { templates, ...own } = load();
  return withoutUnseen(templates[name]({ ...view, ...own }));
}

interface Loaded {
  readonly templates: Record<
    (typeof pages)[number],
    Handlebars.TemplateDelegate
  >;
  readonly style: string;
  readonly script: string;
  /** What the content security policy allows. */
  readonly styleHash: string;
  readonly scriptHash: string;
}

let loaded: Loaded | undefined;

function load(): Loaded {
  if (loaded) return loaded;
  const folder = packagePath("reports", "html", "templates");
  const read = (name: string) => readFileSync(`${folder}/${name}`, "utf8");
  const handlebars = Handlebars.create();
  const parts = readdirSync(folder)
    .filter((file) => file.endsWith(".hbs"))
    .map((file) => file.replace(".hbs", ""))
    .filter((name) => !(pages as readonly string[]).includes(name));
  const translated = translations();
  const compiled = (name: string) => {
    const text = read(`${name}.hbs`);
    const known = translated.get(sha256(text));
    return known
      ? handlebars.template(known)
      : handlebars.compile(text, { strict: true });
  };
  for (const name of parts) handlebars.registerPartial(name, compiled(name));
  const style = read("style.css");
  const script = read("report.js");
  loaded = {
    templates: {
      report: compiled("report"),
      "runs-page": compiled("runs-page"),
      "history-page": compiled("history-page"),
    },
    style,
    script,
    styleHash: hashOf(style),
    scriptHash: hashOf(script),
  };
  return loaded;
}

type Translation = Parameters<typeof Handlebars.template>[0];

/** Templates as the build translated them, by the hashes of their texts. */
function translations(): ReadonlyMap<string, Translation> {
  const path = packagePath("dist", "reports", "html", "templates.cjs");
  // Where this runs from source, it need not have been built.
  return existsSync(path) ? createRequire(import.meta.url)(path) : new Map();
}

const hashOf = (text: string): string =>
  createHash("sha256").update(text).digest("base64");
