import { AssayError } from "#core";
import { TensorProto_DataType as Code } from "./generated/onnx-ml_pb.ts";
import type { DataType } from "./tensor.ts";

/** The ONNX number of each element type. */
export const typeCodes: Readonly<Record<DataType, Code>> = {
  float32: Code.FLOAT,
  float64: Code.DOUBLE,
  float16: Code.FLOAT16,
  bfloat16: Code.BFLOAT16,
  int64: Code.INT64,
  int32: Code.INT32,
  int16: Code.INT16,
  int8: Code.INT8,
  uint64: Code.UINT64,
  uint32: Code.UINT32,
  uint16: Code.UINT16,
  uint8: Code.UINT8,
  bool: Code.BOOL,
  string: Code.STRING,
};

const byCode = new Map(
  Object.entries(typeCodes).map(([type, code]) => [
    code as number,
    type as DataType,
  ]),
);

/** The element type of an ONNX number. `what` names the value in the message. */
export function dataTypeOf(code: number, what: string): DataType {
  const type = byCode.get(code);
  if (type) return type;
  throw new AssayError(
    "MODEL_INVALID",
    `${what} has element type ${Code[code] ?? code}, which is not supported`,
    "Export the model with float32 weights.",
  );
}
