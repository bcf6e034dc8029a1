/** A result has more rows or bytes than its job may produce. Carries no number: the size is an output too. */
export class OutputTooLarge extends Error {
  readonly limit: "rows" | "bytes";

  constructor(limit: "rows" | "bytes") {
    super(`the output has more ${limit} than allowed`);
    this.name = "OutputTooLarge";
    this.limit = limit;
  }
}

/** A column has a type that has no Arrow form here. `column` is its name, `type` DuckDB's name of the type. */
export class UnsupportedType extends Error {
  readonly column: string;
  readonly type: string;

  constructor(column: string, type: string) {
    super(`the type ${type} cannot be written as Arrow`);
    this.name = "UnsupportedType";
    this.column = column;
    this.type = type;
  }
}
