import fc from "fast-check";
import t from "tap";
import { createReport, runBenchmark, summarise } from "../../benchmarks/bench.ts";

const measurements = [
  { name: "ours", run: () => undefined },
  { name: "raw", isReference: true, run: () => undefined },
];

t.test("a sample has the median and nearest-rank percentiles", async (t) => {
  t.match(summarise([3, 1, 2]), { medianMs: 2, p50Ms: 2, p99Ms: 3, minMs: 1, runs: 3 });
  t.match(summarise([4, 1, 2, 3]), { medianMs: 2.5, p50Ms: 2, p99Ms: 4, minMs: 1 });
  t.match(summarise(Array.from({ length: 200 }, (_, i) => i + 1)), { medianMs: 100.5, p50Ms: 100, p99Ms: 198 });
  t.throws(() => summarise([]), /nothing was measured/);
});

t.test("whatever the times, the figures are among them and in order", async () => {
  const times = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(times, (list) => {
      const { minMs, p50Ms, p99Ms, medianMs } = summarise(list);
      return minMs <= p50Ms && p50Ms <= p99Ms && minMs <= medianMs && medianMs <= p99Ms && list.includes(p99Ms);
    }),
  );
});

t.test("a report compares with the reference of the same run and names the machine", async (t) => {
  const times = new Map([
    ["ours", [3, 3, 3]],
    ["raw", [2, 2, 2]],
  ]);
  const report = createReport({ name: "end-to-end", versions: { duckdb: "v1" }, measurements }, times);
  t.match(report, { benchmark: "end-to-end", node: process.version, versions: { duckdb: "v1" } });
  t.match(report.figures, [
    { name: "ours", ratio: 1.5 },
    { name: "raw", ratio: 1, isReference: true },
  ]);
  t.ok(report.machine.cores > 0);
});

t.test("without a measured reference there is no report", async (t) => {
  const times = new Map([["ours", [1]]]);
  const [ours] = measurements;
  t.throws(() => createReport({ name: "a", measurements: [ours!] }, times), /one reference/);
  t.throws(() => createReport({ name: "a", measurements }, times), /nothing was measured/);
  const twice = measurements.map((measurement) => ({ ...measurement, isReference: true }));
  t.throws(() => createReport({ name: "a", measurements: twice }, times), /one reference/);
});

t.test("every candidate is warmed up and measured as often as asked, in turn", async (t) => {
  const calls: string[] = [];
  const candidates = [
    { name: "ours", warmUpRuns: 0, runs: 2, run: () => void calls.push("ours") },
    { name: "raw", isReference: true, warmUpRuns: 2, runs: 3, run: async () => void calls.push("raw") },
  ];
  const printed = t.capture(console, "log");
  const report = await runBenchmark({ name: "a", measurements: candidates, details: () => ({ gateMs: 1 }) }, [
    "--json",
  ]);
  t.same(calls, ["ours", "raw", "raw", "ours", "raw", "ours", "raw", "raw"]);
  t.same(JSON.parse(String(printed()[0]?.args[0])), report);
  await runBenchmark({ name: "a", measurements: candidates }, []);
  t.match(String(printed()[0]?.args[0]), /raw \(reference\)/);
});
