/** What a script returned is no table. `code` is the job's reason; the message carries no value of the table. */
export class InvalidTable extends Error {
  readonly code = "output_invalid";
  readonly column: string | undefined;

  constructor(message: string, column?: string) {
    super(message);
    this.name = "InvalidTable";
    this.column = column;
  }
}
