import t from "tap";
import { shareOfMachine } from "../../src/bin/machine-share.ts";

const GIB = 1024 ** 3;
const UNSET = { memoryBytes: undefined, idleProcesses: undefined, engineThreads: undefined };

t.test("what is not set follows from the machine and the jobs that run at once", async (t) => {
  const machine = { processors: 16, memoryBytes: 64 * GIB };
  const share = (concurrentJobs: number) => shareOfMachine({ ...UNSET, concurrentJobs }, machine);
  t.strictSame(share(2), { threads: 8, threadsAlone: 16, jobMemoryBytes: 48 * GIB, idleLimit: 64 });
  t.equal(share(5).threads, 4, "rounded up: none stays idle");
  t.equal(share(64).threads, 1);
  t.equal(share(0).threads, 16, "a server that leaves jobs to nodes");
  t.equal(shareOfMachine({ ...UNSET, concurrentJobs: 16 }, { ...machine, processors: 64 }).threadsAlone, 16);
  t.equal(shareOfMachine({ ...UNSET, concurrentJobs: 2 }, { processors: 2, memoryBytes: GIB }).idleLimit, 4);
});

t.test("what is set is taken as it is", async (t) => {
  const set = { concurrentJobs: 4, memoryBytes: GIB, idleProcesses: 0, engineThreads: 3 };
  t.strictSame(shareOfMachine(set), { threads: 3, threadsAlone: 3, jobMemoryBytes: GIB, idleLimit: 0 });
});
