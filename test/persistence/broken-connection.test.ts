import { CompiledQuery, type DatabaseConnection } from "kysely";
import t from "tap";
import { refineConnection } from "../../src/persistence/postgres-connection.ts";

const query = (text: string) => CompiledQuery.raw(text);

/** A connection whose server is gone: each statement fails a little later. */
function broken(): { connection: DatabaseConnection; sent: string[] } {
  const sent: string[] = [];
  const connection = {
    executeQuery: async ({ sql }: CompiledQuery) => {
      sent.push(sql);
      await new Promise((resolve) => setTimeout(resolve, 5));
      throw new Error("Connection terminated unexpectedly");
    },
  } as unknown as DatabaseConnection;
  refineConnection(connection);
  return { connection, sent };
}

t.test("a connection that breaks under a transaction fails its statements, and nothing fails unseen", async (t) => {
  const unseen: unknown[] = [];
  const note = (error: unknown) => unseen.push(error);
  process.on("unhandledRejection", note);
  t.teardown(() => process.off("unhandledRejection", note));
  const lost = { code: "database_unavailable" };

  const empty = broken();
  await empty.connection.executeQuery(query("begin"));
  await t.rejects(empty.connection.executeQuery(query("rollback")), lost, "the begin, told with the end");

  const used = broken();
  await used.connection.executeQuery(query("begin"));
  await t.rejects(used.connection.executeQuery(query("select 1")), lost);
  await t.rejects(used.connection.executeQuery(query("rollback")), lost);
  t.strictSame(used.sent, ["begin", "select 1", "rollback"]);

  await new Promise((resolve) => setTimeout(resolve, 50));
  t.strictSame(unseen, []);
});
