import type { Reporter } from "#results";
import { html } from "./html.ts";
import { json } from "./json.ts";
import { markdown } from "./markdown.ts";

/** What every run writes. */
export const usualReporters: readonly Reporter[] = [json, markdown, html];

/** Every form of the results. A new one is a file and a line here. */
export const reporters: readonly Reporter[] = [...usualReporters];
