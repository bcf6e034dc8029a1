import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t, { type Test } from "tap";
import { skipPostgres } from "../persistence/databases.ts";
import { violations } from "./checks.ts";
import { type Load, startLoad } from "./load.ts";
import { startTarget, type Target } from "./target.ts";
import { DATABASE_VICTIMS, kill, PROCESS_VICTIMS, type Victim } from "./victims.ts";

/** `make faults` sets 100 for each database; a short form runs with all tests. */
const KILLS = Number(process.env["SLUICE_FAULT_KILLS"] ?? 10);
const LANES = 3;
/** Between two kills some work gets done; after some of them that takes long, and the next comes all the same. */
const PAUSE_MS = 1_500;
/** After a crash of the database a lost lease runs out first. */
const FIND_TRIES = 600;

for (const kind of ["embedded", "postgres"] as const) {
  const skip = kind === "postgres" ? skipPostgres() : false;
  t.test(`${KILLS} kills under load lose nothing (${kind})`, { skip, timeout: 3_600_000 }, async (t) => {
    const target = await startTarget(t, { kind });
    const load = startLoad(target, LANES);
    const killed = await killAround(t, target, load);
    await load.finish();
    const problems = await violations(target, load);
    t.strictSame(problems, [], "every acknowledged job ended once, with its number right and its entry in the log");
    t.equal(
      killed.reduce((sum, [, count]) => sum + count, 0),
      KILLS,
      "so many were killed",
    );
    const succeeded = [...load.ended.values()].filter(({ state }) => state === "succeeded").length;
    t.ok(succeeded > 0, "work gets done all the same");
    t.comment(`killed: ${killed.map(([victim, count]) => `${count} ${victim}`).join(", ")}`);
    t.comment(
      `jobs: ${load.acknowledged.size} acknowledged, ${succeeded} succeeded, ${load.ended.size - succeeded} unlucky`,
    );
    t.comment(`refusals: ${JSON.stringify(Object.fromEntries(load.refusals))}`);
    t.strictSame(await target.stop(), [], "it ends in order, and no process is left");
  });
}

async function killAround(t: Test, target: Target, load: Load): Promise<[Victim, number][]> {
  const victims = target.kind === "postgres" ? [...PROCESS_VICTIMS, ...DATABASE_VICTIMS] : PROCESS_VICTIMS;
  const counts = new Map<Victim, number>();
  for (let n = 0; n < KILLS; n++) {
    const victim = victims[n % victims.length]!;
    if (await killOne(target, victim, n)) counts.set(victim, (counts.get(victim) ?? 0) + 1);
    else t.fail(`no ${victim} could be found`);
    await someWork(load);
  }
  return [...counts];
}

async function someWork(load: Load): Promise<void> {
  const before = load.ended.size;
  for (let waitedMs = 0; waitedMs < PAUSE_MS && load.ended.size === before; waitedMs += 50) await sleep(50);
}

/** Waits for one to appear: it may be starting after the last kill. */
async function killOne(target: Target, victim: Victim, n: number): Promise<boolean> {
  for (let tries = 0; tries < FIND_TRIES; tries++) {
    if (victim === "ingest" && tries % 20 === 0) await startIngest(target, n * 1_000 + tries);
    if (await kill(target, victim)) return true;
    await sleep(100);
  }
  return false;
}

/** A product of its own whose source is new, so that there is an ingest to kill. */
async function startIngest(target: Target, version: number): Promise<void> {
  const path = join(target.directory, "sources", "extra.csv");
  const rows = Array.from({ length: 200_000 }, (_, i) => `${i},${version}`);
  writeFileSync(path, `key,value\n${rows.join("\n")}\n`);
  const columns = ["key", "value"].map((name) => ({ name, role: "public" as const, grade: "L1" as const }));
  const product = { id: "extra", source: { path }, grade: "L1" as const, columns };
  const space = {
    space: "test-space",
    organisations: [{ id: "op", kind: "operator" as const }],
    headAgreement: { operator: "op", number: "HA-1", validFrom: "2020-01-01", validTo: "2099-12-31" },
    products: [product],
  };
  // refused while something is down: the next try declares it again
  await (await target.client("op", "operator")).space.apply(space).catch(() => undefined);
}
