import t from "tap";
import type { Offer } from "#contract/runner.ts";
import { RunningWork } from "../../src/runner/running-work.ts";

const offer = { kind: "job" } as Offer;

t.test("work is alone when nothing is beside it, and was not for a while", async (t) => {
  let nowMs = 0;
  const running = new RunningWork(() => nowMs);
  const [first, second, third] = [Promise.resolve(), Promise.resolve(), Promise.resolve()];
  running.add(first, offer);
  t.ok(running.isLone, "the first of all");
  running.add(second, offer);
  t.notOk(running.isLone);
  nowMs = 5_000;
  running.delete(first);
  t.notOk(running.isLone, "the other has just gone");
  running.delete(second);
  running.add(third, offer);
  t.notOk(running.isLone, "one that comes between those that keep coming");
  nowMs = 6_001;
  t.ok(running.isLone, "nobody came for a second");
  t.equal(running.size, 1);
});
