/** Jobs for a soak: honest ones whose numbers are counted here, and hostile ones whose end is known. */
import type { JobSubmit } from "#contract/job.ts";
import { people, type Person, visits } from "../end-to-end/space.ts";

export interface SoakJob {
  name: string;
  spec: JobSubmit;
  /** What it may end with: a state, or the reason of a failure. */
  ends: readonly string[];
  /** The released rows of an honest job, as text, in the order of their keys. */
  rows?: readonly (readonly (string | number)[])[];
  /** Cancelled by its developer after so long. */
  cancelAfterMs?: number;
}

const scenario = "clinic-access";
const sql = (text: string): JobSubmit => ({ scenario, image: "sql@1", sql: text });
const script = (text: string): JobSubmit => ({ scenario, image: "javascript@1", script: text });

function countBy<T>(items: readonly T[], key: (item: T) => string): (readonly [string, string])[] {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(key(item), (counts.get(key(item)) ?? 0) + 1);
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, n]) => [name, String(n)] as const);
}

const byDistrict = countBy(people(), (person) => person.district);
const rich = (person: Person) => person.income >= 100_000;

const HONEST: readonly Omit<SoakJob, "ends">[] = [
  {
    name: "count by district",
    spec: sql("select district, count(*) as n from people group by district order by district"),
    rows: byDistrict,
  },
  {
    name: "count of a group by district",
    spec: sql("select district, count(*) as n from people where income >= 100000 group by district order by district"),
    rows: countBy(people().filter(rich), (person) => person.district),
  },
  {
    name: "visits by clinic",
    spec: sql("select clinic, count(*) as n from visits group by clinic order by clinic"),
    rows: countBy(visits(), (visit) => visit.clinic),
  },
  {
    name: "a script that hands a query on",
    spec: script('output.table("t", await sql("select district, count(*) as n from people group by district"));'),
    rows: byDistrict,
  },
];

const HOSTILE: readonly Omit<SoakJob, "rows">[] = [
  { name: "loop", spec: script("for (;;);"), ends: ["timeout"] },
  {
    name: "loop after a query",
    spec: script('await sql("select count(*) as n from people"); for (;;);'),
    ends: ["timeout"],
  },
  {
    name: "memory",
    spec: script("const kept = []; for (;;) kept.push(new Array(1e5).fill(1));"),
    ends: ["memory_limit", "timeout"],
  },
  { name: "split", spec: script('"ab".repeat(2 ** 27).split("");'), ends: ["memory_limit", "script_error"] },
  {
    name: "log flood",
    spec: script('for (let i = 0; i < 1e5; i++) console.log("x".repeat(5000)); output.json("done", 1);'),
    ends: ["succeeded", "log_limit", "timeout"],
  },
  {
    name: "query flood",
    spec: script(
      'const all = []; for (let i = 0; i < 1e5; i++) all.push(sql("select 1 as one").catch(() => 0)); await Promise.all(all); output.json("done", 1);',
    ),
    ends: ["succeeded", "query_limit", "timeout", "memory_limit"],
  },
  { name: "output flood", spec: script('output.json("all", "x".repeat(2 ** 28));'), ends: ["output_too_large"] },
  { name: "deep recursion", spec: script("const f = () => f(); f();"), ends: ["script_error", "memory_limit"] },
  { name: "no output", spec: script("1 + 1;"), ends: ["output_missing"] },
  { name: "rows", spec: sql("select * from people"), ends: ["query_invalid", "plan_refused"] },
  { name: "files", spec: sql("select * from read_csv('/etc/passwd')"), ends: ["query_invalid", "plan_refused"] },
  { name: "settings", spec: sql("set threads = 8"), ends: ["plan_refused", "query_invalid"] },
  { name: "no SQL", spec: sql("selec 1"), ends: ["query_invalid"] },
  { name: "cancelled", spec: script("for (;;);"), ends: ["cancelled", "timeout"], cancelAfterMs: 200 },
];

/** Two honest jobs for each hostile one; the same sequence each time. */
export function soakJob(i: number): SoakJob {
  if (i % 3 === 2) return { ...HOSTILE[((i - 2) / 3) % HOSTILE.length]! };
  return { ...HONEST[(i - Math.floor(i / 3)) % HONEST.length]!, ends: ["succeeded"] };
}
