import { type FloatTensor, floats, type GraphBuilder } from "#onnx";

/**
 * Applies the transpose of a linear map along one axis of a gradient:
 * `map` is [outputs, inputs] and `axis` shrinks or grows from outputs to
 * inputs. Pooling, padding and resizing are such maps on each axis apart.
 */
export function alongAxis(
  b: GraphBuilder,
  g: string,
  axis: number,
  map: FloatTensor,
): string {
  const rank = b.rankedDims(g).length;
  const type = b.type(g);
  const constant = (t: FloatTensor) => {
    const name = b.constant(t);
    return type === "float32" ? name : b.cast(name, type);
  };
  if (axis === rank - 1) return b.matmul(g, constant(map));
  if (axis === rank - 2) return b.matmul(constant(transposed(map)), g);
  const order = Array.from({ length: rank }, (_, i) => i);
  order[axis] = rank - 1;
  order[rank - 1] = axis;
  // A swap of two axes undoes itself.
  return b.transpose(b.matmul(b.transpose(g, order), constant(map)), order);
}

function transposed(map: FloatTensor): FloatTensor {
  const [rows = 0, columns = 0] = map.dims;
  const data = new Float32Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < columns; c++) {
      data[c * rows + r] = map.data[r * columns + c] ?? 0;
    }
  }
  return floats([columns, rows], data);
}
