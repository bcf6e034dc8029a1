import type { ProductSource } from "#contract/product.ts";
import { invalidProduct } from "./check-spec.ts";
import type { CheckedSource } from "./source.ts";

type PostgresSource = Extract<ProductSource, { postgres: string }>;

/** Connection parameters that carry a secret, or name a file on this machine. */
const SECRET_PARAMETERS = [
  "password",
  "sslpassword",
  "passfile",
  "sslkey",
  "sslcert",
  "sslrootcert",
  "service",
  "servicefile",
];
const TABLE = /^[\p{L}_][\p{L}\p{N}_$]{0,62}(\.[\p{L}_][\p{L}\p{N}_$]{0,62})?$/u;

/**
 * Splits a database address into what may be stored and shown, and the whole of it, which only the claim of the
 * ingest reads. Only the URL form is taken: a password in another form would not be found. No message quotes it.
 */
export function parsePostgresSource({ postgres, table }: PostgresSource): CheckedSource {
  const address = URL.parse(postgres);
  if (!address || !["postgres:", "postgresql:"].includes(address.protocol) || address.hostname === "") {
    throw refuse("/source/postgres", "The database address must have the form postgres://user@host/database");
  }
  if (!TABLE.test(table)) throw refuse("/source/table", "The table must have the form table or schema.table");
  const fileParameter = SECRET_PARAMETERS.slice(1).find((name) => address.searchParams.has(name));
  if (fileParameter !== undefined) throw refuse("/source/postgres", `The parameter ${fileParameter} is not taken`);
  if (address.hash !== "") throw refuse("/source/postgres", "The database address has a fragment");
  return { source: { postgres: withoutPassword(address), table }, secret: postgres };
}

function withoutPassword(address: URL): string {
  const shown = new URL(address);
  shown.password = "";
  shown.searchParams.delete("password");
  return shown.href;
}

function refuse(path: string, message: string) {
  return invalidProduct([{ path, message }]);
}
