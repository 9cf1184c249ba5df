import { createHash } from "node:crypto";

/**
 * A name from outside as that of a file: as it is where every file system takes it and
 * tells it from others, otherwise what is readable of it, and a hash.
 */
export function fileName(name: string): string {
  if (/^[a-z0-9]([a-z0-9._-]{0,60}[a-z0-9])?$/.test(name) && !isDevice(name))
    return name;
  const readable = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  return [readable.slice(0, 60), hash].filter(Boolean).join("-");
}

/** Whether Windows takes it for a device. */
const isDevice = (name: string): boolean =>
  /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/.test(name);
