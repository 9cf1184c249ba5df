import { readdirSync, readFileSync } from "node:fs";
import Handlebars from "handlebars";
import { packagePath, withoutUnseen } from "#core";

type Templates = Map<string, Handlebars.TemplateDelegate>;

let loaded: Templates | undefined;

/**
 * A page, or a part of one. All text from outside is escaped by Handlebars and stands
 * only in text and quoted attributes.
 */
export function page(name: string, view: object): string {
  loaded ??= load();
  return withoutUnseen(loaded.get(name)!(view));
}

function load(): Templates {
  const folder = packagePath("src", "view", "pages");
  const handlebars = Handlebars.create();
  const templates = new Map(
    readdirSync(folder)
      .filter((file) => file.endsWith(".hbs"))
      .map((file) => {
        const text = readFileSync(`${folder}/${file}`, "utf8");
        const name = file.replace(".hbs", "");
        handlebars.registerPartial(name, text);
        return [name, handlebars.compile(text, { strict: true })] as const;
      }),
  );
  return templates;
}
