/** Arrow's logical types and fields, as far as we write them (Arrow columnar format, `Schema.fbs`). */
export type TimeUnit = "s" | "ms" | "us" | "ns";

export type ArrowType =
  | { kind: "null" | "bool" | "utf8" | "binary" | "date_day" | "list" | "struct" | "month_day_nano" }
  | { kind: "int"; bits: 8 | 16 | 32 | 64; signed: boolean }
  | { kind: "float"; bits: 32 | 64 }
  | { kind: "decimal"; precision: number; scale: number; bits: 32 | 64 | 128 }
  | { kind: "time"; unit: "us" | "ns" }
  | { kind: "timestamp"; unit: TimeUnit; zone?: string }
  | { kind: "fixed_binary"; bytes: number }
  | { kind: "fixed_list"; length: number }
  | { kind: "map" };

/** The values of a dictionary column; the column's `type` is the type of the values, its data are codes. */
export interface FieldDictionary {
  id: number;
  indexBits: 8 | 16 | 32;
}

export interface ArrowField {
  name: string;
  nullable: boolean;
  type: ArrowType;
  children: readonly ArrowField[];
  metadata: readonly (readonly [string, string])[];
  dictionary?: FieldDictionary;
}
