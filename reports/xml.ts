/** What XML 1.0 has no character for, by escapes or otherwise. */
const outside = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;

const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

/**
 * Text in an element or an attribute. Breaks and tabs stay by their numbers, which
 * attributes would lose; what XML cannot say is U+FFFD.
 */
const escaped = (text: string): string =>
  text
    .replace(outside, "\ufffd")
    .replace(/[&<>"\t\n\r]/g, (character) => escapes[character]!);

/**
 * An element, each of its children indented on a line of its own.
 *
 * @param content elements, or text
 */
export function element(
  name: string,
  attributes: readonly (readonly [name: string, value: string | number])[],
  content: readonly string[] | string = [],
): string {
  const said = attributes.map(([key, v]) => ` ${key}="${escaped(String(v))}"`);
  const open = `<${name}${said.join("")}`;
  if (content.length === 0) return `${open}/>`;
  if (typeof content === "string")
    return `${open}>${escaped(content)}</${name}>`;
  // Text has no breaks any more, but it may have what else ends a line.
  const children = content.join("\n").split("\n");
  return [
    `${open}>`,
    ...children.map((line) => `  ${line}`),
    `</${name}>`,
  ].join("\n");
}
