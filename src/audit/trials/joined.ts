import { type Dataset, dataset } from "#data";
import { floats } from "#onnx";

/** The samples of two datasets of the same classes, one behind the other. */
export function joined(first: Dataset, second: Dataset): Dataset {
  const n = first.y.length + second.y.length;
  const data = new Float32Array(first.x.data.length + second.x.data.length);
  data.set(first.x.data);
  data.set(second.x.data, first.x.data.length);
  return dataset(
    first.name,
    floats([n, ...first.x.dims.slice(1)], data),
    Int32Array.from([...first.y, ...second.y]),
    first.classes,
    undefined,
    first.table,
    first.texts &&
      second.texts && {
        ...first.texts,
        strings: [...first.texts.strings, ...second.texts.strings],
      },
  );
}
