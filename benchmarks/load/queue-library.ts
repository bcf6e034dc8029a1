/**
 * The same queries as tasks of a queue library (graphile-worker) on the same PostgreSQL: a task is added, a worker of
 * this process runs its query on DuckDB and keeps the rows in a table. No sandbox, no evidence, no review, no log.
 */
import { DuckDBInstance } from "@duckdb/node-api";
import { Logger, run } from "graphile-worker";
import pg from "pg";
import { peopleTable, queryOf } from "./town.ts";

export interface QueueOrder {
  url: string;
  people: number;
  clients: number;
  /** Tasks at once, as many as the runner takes jobs. */
  concurrency: number;
  measureMs: number;
}

export interface QueueResult {
  tasks: number;
  latenciesMs: number[];
}

export async function runQueueLibrary(order: QueueOrder): Promise<QueueResult> {
  const database = await DuckDBInstance.create(":memory:", { threads: "2" });
  const setUp = await database.connect();
  await setUp.run(peopleTable(order.people));
  const connections = await Promise.all(Array.from({ length: order.concurrency }, async () => database.connect()));
  const results = new pg.Pool({ connectionString: order.url, max: order.concurrency + 2 });
  await results.query("create table if not exists task_results (task integer primary key, rows jsonb not null)");
  const taskPool = new pg.Pool({ connectionString: order.url, max: 10 });
  for (const pool of [results, taskPool]) pool.on("error", (error) => console.error(error.message));
  const waiting = new Map<number, () => void>();
  const runner = await run({
    pgPool: taskPool,
    concurrency: order.concurrency,
    noHandleSignals: true,
    logger: new Logger(() => () => undefined),
    taskList: {
      query: async (payload) => {
        const { task } = payload as { task: number };
        const connection = connections.pop()!;
        const rows = (await connection.runAndReadAll(queryOf(task))).getRowsJson();
        connections.push(connection);
        await results.query("insert into task_results values ($1, $2)", [task, JSON.stringify(rows)]);
        waiting.get(task)?.();
      },
    },
  });
  const add = async (task: number) => {
    const done = new Promise<void>((resolve) => waiting.set(task, resolve));
    await runner.addJob("query", { task });
    await done;
    waiting.delete(task);
  };
  const result = await drive(order, add);
  await runner.stop();
  await Promise.all([results.end(), taskPool.end()]);
  for (const connection of [...connections, setUp]) connection.closeSync();
  return result;
}

async function drive(order: QueueOrder, add: (task: number) => Promise<void>): Promise<QueueResult> {
  const latenciesMs: number[] = [];
  let next = 0;
  const warmMs = performance.now() + 1000;
  const endMs = warmMs + order.measureMs;
  const client = async () => {
    while (performance.now() < endMs) {
      const startedMs = performance.now();
      await add(next++);
      const nowMs = performance.now();
      if (nowMs >= warmMs && nowMs < endMs) latenciesMs.push(nowMs - startedMs);
    }
  };
  await Promise.all(Array.from({ length: order.clients }, client));
  return { tasks: latenciesMs.length, latenciesMs };
}
