import { AssayError } from "#core";
import {
  type Decoded,
  inThread,
  type Problem,
  type Wanted,
} from "./image-threads.ts";

/**
 * Decodes a PNG, JPEG or WebP file, told by its content, to the values that Pillow
 * gives. Transparency, orientation tags and colour profiles are ignored, as common
 * training pipelines do; of 16 bits the upper 8 are kept; colour becomes grey by the
 * ITU-R 601 weights.
 * @param file its path, or its content
 * @param shown how messages name the file
 * @throws DATA_IMAGE when the file is something else, damaged or too large
 */
export async function decodeImage(
  file: string | Uint8Array,
  shown: string,
  wanted: Wanted,
): Promise<Decoded> {
  const { image, problem } = await inThread({ files: [file], wanted }).done();
  if (!image) throw refusal(shown, problem);
  return image;
}

/** What is wrong with a file that a thread could not read. */
export function refusal(
  shown: string,
  { why, code, isImage }: Problem = { i: 0 },
): AssayError {
  if (isImage === false)
    return new AssayError(
      "DATA_IMAGE",
      `${shown} is not a PNG, JPEG or WebP image`,
      "Move everything but images out of the class folders.",
    );
  if (code === "ENOENT" || code === "EACCES" || code === "EISDIR")
    return new AssayError(
      "FILE_UNREADABLE",
      `${shown} ${code === "ENOENT" ? "does not exist" : `cannot be read (${code})`}`,
      "Check the path; relative paths are taken from the current folder, or from the suite's folder inside a suite.",
    );
  return new AssayError(
    "DATA_IMAGE",
    `${shown} cannot be decoded: ${why}`,
    "Replace or remove the file.",
  );
}
