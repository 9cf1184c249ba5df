import type { Reporter } from "#results";
import { type Column, type Table, tablesOf } from "../tables.ts";

/** The same tables with their types, for pandas, DuckDB and the like. */
export const parquet: Reporter = {
  id: "parquet",
  title: "Parquet",
  summary:
    "The tables of the reporter csv with their types, a file for each, for pandas, DuckDB and what else reads Parquet.",
  reference: "Apache Parquet",
  file: "parquet",
  async *render(results) {
    for (const table of tablesOf(results))
      yield { name: `${table.name}.parquet`, content: await rendered(table) };
  },
};

const types = {
  text: "STRING",
  number: "DOUBLE",
  integer: "INT64",
  boolean: "BOOLEAN",
} as const satisfies Record<Column<never>["type"], string>;

async function rendered({ columns, rows }: Table): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  return new Uint8Array(
    parquetWriteBuffer({
      createdBy: "assay",
      columnData: columns.map(({ name, type, of }) => ({
        name,
        type: types[type],
        nullable: true,
        data: rows.map((row) => {
          const value = of(row as never);
          return type === "integer" && value !== null
            ? BigInt(value as number)
            : value;
        }),
      })),
    }),
  );
}
