import type { Results } from "#results";
export const renderHtml = async (r: Results) => JSON.stringify(r);
export const renderMarkdown = (r: Results) => r.title;
export const renderJson = (r: Results) => `${JSON.stringify(r, null, 2)}\n`;
