import t from "tap";
import { createAuditGroup, record } from "#audit/index.ts";
import { createJobSignal, createNews } from "#control-plane/index.ts";
import { openDatabase } from "#persistence/index.ts";
import { openTestDatabase, skipPostgres } from "../persistence/databases.ts";

const by = { actor: { kind: "system" as const, id: "test" }, clock: { nowMs: () => Date.now() } };

t.test(
  "another replica hears of work and ends with the commit, and of nothing without one",
  { skip: skipPostgres() },
  async (t) => {
    const { handle, options } = await openTestDatabase(t, "postgres");
    const other = await openDatabase(options);
    t.teardown(async () => other[Symbol.asyncDispose]());
    const signals = [createJobSignal(), createJobSignal()] as const;
    const [here, there] = [createNews(handle, signals[0]), createNews(other, signals[1])];
    for (const news of [here, there]) {
      const stop = await news.listen();
      t.teardown(stop);
    }
    const heard: string[] = [];
    for (const [index, signal] of signals.entries()) {
      signal.onWork("jobs", () => heard.push(`${index} work`));
      signal.onJob("job_1", ({ state }) => heard.push(`${index} ${state}`));
    }
    const told = Promise.withResolvers<void>();
    signals[1].onJob("job_last", () => told.resolve());
    const group = createAuditGroup(handle.db);
    const entry = { action: "job.ended", subject: { kind: "job", id: "job_1" } };
    const failing = group.run(by, async (context) => {
      here.state(context, "job_1", "failed");
      await record(context, entry);
      throw new Error("stop");
    });
    await t.rejects(failing, { message: "stop" });
    await group.run(by, async (context) => {
      for (let i = 0; i < 200; i++) here.work(context, "jobs");
      here.state(context, "job_1", "succeeded");
      await record(context, entry);
    });
    await group.run(by, async (context) => {
      for (let i = 0; i < 200; i++) here.state(context, `job_${i + 100}`, "succeeded");
      here.state(context, "job_last", "succeeded");
      await record(context, entry);
    });
    await told.promise;
    t.strictSame(heard, ["1 work", "1 succeeded"], "once, to the other replica only");
  },
);
