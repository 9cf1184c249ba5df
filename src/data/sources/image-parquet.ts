import { basename, resolve } from "node:path";
import { z } from "zod";
import { sizeOf } from "#onnx";
import { decodeImage } from "../image.ts";
import { imageKeys, pixelsOf, sizeStated } from "../image-files.ts";
import { decodedRows, keyOf } from "../image-stream.ts";
import { inThread } from "../image-threads.ts";
import { openParquet, readBinary, readColumns } from "../parquet.ts";
import { eitherSizeOrPipeline, pipelineKey, pipelines } from "../pipelines.ts";
import { inOrder } from "../row-stream.ts";
import { answersOf, partsOf, placeOf, type Sheet } from "../sheet.ts";
import { defineSource } from "../source.ts";

const schema = z
  .strictObject({
    source: z.literal("image-parquet"),
    path: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .describe("Path of the file, or of its shards in their order."),
    image: z
      .string()
      .min(1)
      .default("image")
      .describe("The column of PNG, JPEG or WebP images."),
    label: z
      .string()
      .min(1)
      .default("label")
      .describe("The column of classes."),
    classes: z
      .array(z.string().min(1))
      .min(2)
      .optional()
      .describe(
        "Names of the classes, in the order of the model's outputs; those that the file states when left out.",
      ),
    split: z
      .string()
      .min(1)
      .optional()
      .describe(
        "The column that says which part each row is in: train, validation or test.",
      ),
    ...imageKeys,
    pipeline: pipelineKey,
  })
  .refine(...eitherSizeOrPipeline)
  .describe("Encoded images and their classes in Parquet files.");

/**
 * Images as the datasets of Hugging Face have them in Parquet: a column of encoded
 * images (bytes, or a structure with the field `bytes`) and one of classes.
 */
export const imageParquet = defineSource({
  schema,

  async read(spec, folder) {
    const files = [spec.path].flat().map((path) => resolve(folder, path));
    const shards = await shardsOf(files);
    const sheet = await sheetOf(shards, spec);
    const { notes } = shards[0] as Shard;
    const classes = spec.classes ?? namesIn(notes, spec.label);
    return {
      name: basename(files[0] as string).replace(/\.parquet$/i, ""),
      x: await pixelsIn(shards, spec, sheet),
      ...answersOf(sheet, { label: spec.label, classes }),
      parts: spec.split === undefined ? undefined : partsOf(sheet, spec.split),
      locate: (_part, sample) =>
        sample === undefined ? sheet.file : sheet.place(sample),
    };
  },
});

/** A file, and which of all rows are in it. */
interface Shard {
  readonly file: string;
  readonly columns: readonly string[];
  readonly groups: readonly number[];
  readonly notes?: string | undefined;
  readonly from: number;
  readonly count: number;
}

async function shardsOf(files: readonly string[]): Promise<Shard[]> {
  const shards: Shard[] = [];
  let from = 0;
  for (const file of files) {
    const opened = await openParquet(file);
    const count = opened.groups.reduce((sum, rows) => sum + rows, 0);
    shards.push({ ...opened, file, from, count });
    from += count;
  }
  return shards;
}

/** What is right for each row of all files, and in which part it is. */
async function sheetOf(
  shards: readonly Shard[],
  {
    image,
    label,
    split,
  }: { image: string; label: string; split?: string | undefined },
): Promise<Sheet> {
  const columns = [label, split ?? []].flat();
  const texts = columns.map((): string[] => []);
  for (const { file, count, columns: own } of shards) {
    for (const name of [image, ...columns])
      placeOf({ columns: own, file }, name);
    const cells = await readColumns(file, columns, 0, count);
    for (const [k, name] of columns.entries()) {
      const column = cells.get(name) ?? [];
      const list = "odd" in column ? Array.from(column.values) : column;
      for (const cell of list) texts[k]!.push(nameOf(cell));
    }
  }
  return {
    name: label,
    file: shards[0]!.file,
    columns,
    count: shards.reduce((sum, { count }) => sum + count, 0),
    cells: (column) => texts[column] ?? [],
    place(row) {
      const { file, from } = shards.findLast((one) => one.from <= row) as Shard;
      return `${file}, row ${row - from + 1}`;
    },
  };
}

/** What a cell of a label says, as a table would say it. */
const nameOf = (cell: unknown): string =>
  typeof cell === "boolean" ? (cell ? "True" : "False") : String(cell ?? "");

const notesSchema = z.object({
  info: z.object({ features: z.record(z.string(), z.unknown()) }),
});
const namesSchema = z.object({ names: z.array(z.string().min(1)).min(2) });

/** The names of a column's classes, where the file states them. */
function namesIn(notes: string | undefined, label: string) {
  if (notes === undefined) return undefined;
  try {
    const { info } = notesSchema.parse(JSON.parse(notes));
    const feature = new Map(Object.entries(info.features)).get(label);
    return namesSchema.safeParse(feature).data?.names;
  } catch {
    // What the file says there is no part of Parquet, and need not be there.
    return undefined;
  }
}

type Spec = z.output<typeof schema>;

/** All images in order, a group of rows at a time. */
async function pixelsIn(
  shards: readonly Shard[],
  spec: Pick<Spec, "image" | "size" | "channels" | "pipeline" | "cache">,
  { count, place }: Sheet,
) {
  const { image, channels, pipeline } = spec;
  const wanted = {
    size: sizeStated(spec),
    channels,
    pipeline: pipeline && pipelines[pipeline],
  };
  const files = shards.map(({ file }) => file);
  const images = Array.from({ length: count }, (_, row) => ({
    file: "",
    shown: place(row),
  }));
  const { file } = shards.find((one) => one.count > 0) ?? (shards[0] as Shard);
  const [one] = await readBinary(file, image, 0, Math.min(1, count));
  const first = await decodeImage(one ?? new Uint8Array(), place(0), wanted);
  const shape = [first.channels, first.height, first.width];
  const rows = decodedRows({ images, wanted, shape });
  return pixelsOf(
    {
      count,
      size: sizeOf(shape),
      shape,
      key: () => keyOf(files, { image, wanted, shape }),
      shown: place,
      async all(take) {
        for (const { file, groups, from } of shards) {
          let at = 0;
          for (const length of groups) {
            const start = from + at;
            const encoded = await readBinary(file, image, at, at + length);
            await inOrder(
              {
                ...rows,
                count: length,
                task: (some, bytes) =>
                  inThread({
                    files: some.map((i) => encoded[i] ?? new Uint8Array()),
                    wanted,
                    shape,
                    bytes,
                  }),
                unread: (row, problem) => rows.unread(start + row, problem),
              },
              (bytes, row, hashes) => take(bytes, start + row, hashes),
            );
            at += length;
          }
        }
      },
    },
    spec.cache,
  );
}
