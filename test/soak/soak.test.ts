import t from "tap";
import { startTestServer } from "../end-to-end/server.ts";
import { runSoak, type SoakSample } from "./soak.ts";

/** `make soak` sets 5,000; a short form runs with all tests. */
const JOBS = Number(process.env["SLUICE_SOAK_JOBS"] ?? 84);
const MIB = 1024 ** 2;

t.test(`${JOBS} honest and hostile jobs side by side`, { timeout: 3_600_000 }, async (t) => {
  // short, because many jobs run into it; long enough for honest ones on a busy machine
  const env = { SLUICE_INTERACTIVE_WALL_SECONDS: JOBS < 1000 ? "5" : "2", SLUICE_RUNNER_JOBS: "3" };
  const server = await startTestServer(t, { env });
  const { wrong, ends, samples } = await runSoak(server, { jobs: JOBS, lanes: 6, samples: 10 });
  t.comment(`ends: ${JSON.stringify(ends)}`);
  for (const sample of samples) t.comment(describe(sample));
  t.strictSame(wrong, [], "every job ended as it must, and the honest ones with the right numbers");
  const [first, last] = [samples[Math.floor(samples.length / 3)]!, samples.at(-1)!];
  for (const side of ["controlPlane", "runner"] as const) {
    t.ok(last[side].descriptors <= first[side].descriptors + 20, `${side}: no descriptor is lost`);
  }
  t.ok(last.confined <= first.confined + 8, "no confined process is left over");
  if (JOBS < 1000) return;
  for (const side of ["controlPlane", "runner"] as const) {
    const [early, late] = [samples.slice(3, 6), samples.slice(7)].map((part) => meanResident(part, side));
    t.ok(late! <= early! * 1.15 + 16 * MIB, `${side}: no memory is lost (${early! / MIB} → ${late! / MIB} MiB)`);
  }
});

function meanResident(samples: readonly SoakSample[], side: "controlPlane" | "runner"): number {
  return samples.reduce((sum, sample) => sum + sample[side].residentBytes, 0) / samples.length;
}

function describe({ jobs, controlPlane, runner, confined }: SoakSample): string {
  const size = ({ residentBytes, descriptors }: SoakSample["runner"]) =>
    `${Math.round(residentBytes / MIB)} MiB, ${descriptors} descriptors`;
  return `${jobs} jobs · control plane ${size(controlPlane)} · runner ${size(runner)} · ${confined} confined processes`;
}
