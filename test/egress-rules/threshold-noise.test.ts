import t from "tap";
import type { EgressProfile } from "#contract/profile.ts";
import { greatestThreshold, thresholdOf } from "#engine/rules/index.ts";
import { EngineSession } from "#engine/index.ts";
import { createEmpty, JOINS, PRODUCTS } from "../engine/gate/town.ts";
import { NOISE_KEY, PROFILE } from "../engine/session/profile.ts";
import { ask, rowsOf } from "../engine/session/town-session.ts";

const NOISY: EgressProfile = { ...PROFILE, thresholdNoise: { value: 2, basis: "test" } };
const OTHER_KEY = "42".repeat(32);
const SIZES = [9, 10, 11, 12, 13, 14, 15, 16];
const COPIES = 30;

/** Thirty hospitals of each size, of other people each; and 25,000 visits of others, so that subjects are bounded. */
const session = await openHospitals();
t.teardown(() => session[Symbol.asyncDispose]());

function openHospitals(): Promise<EngineSession> {
  const open = {
    op: "open",
    id: 1,
    scenario: "town",
    visibility: "aggregates",
    products: PRODUCTS,
    joins: JOINS,
    threads: 2,
    memoryBytes: 1 << 29,
  } as const;
  return EngineSession.open(open, async (connection, _open, { empty }) => {
    await createEmpty(connection);
    if (empty) return;
    await connection.run(`INSERT INTO visits SELECT row_number() OVER (), size * 100000 + copy * 1000 + i,
      printf('S%02d-%02d', size, copy), DATE '2024-01-01', 100 + copy + i * 7.25
      FROM unnest([${SIZES.join(", ")}]) s(size), range(${COPIES}) c(copy), range(size) r(i)`);
    await connection.run(`INSERT INTO visits SELECT i, 5000000 + i, 'large', DATE '2024-01-01', 100 + i % 9973
      FROM range(25000) r(i)`);
  });
}

interface Seen {
  hospital: string;
  shown: boolean;
}

async function shownBy(sql: string, profile: EgressProfile, noiseKey: string): Promise<Seen[]> {
  const { parts } = await session.query(ask(sql, profile, { noiseKey }));
  return rowsOf(parts).map(([hospital, value]) => ({ hospital: String(hospital), shown: value !== null }));
}

const COUNT = "SELECT hospital, count(*) FROM visits GROUP BY 1";
const share = (seen: readonly Seen[], size: number): number => {
  const own = seen.filter((one) => one.hospital.startsWith(`S${String(size).padStart(2, "0")}`));
  t.equal(own.length, COPIES);
  return own.filter((one) => one.shown).length / COPIES;
};

t.test("without noise the threshold is k", async (t) => {
  const seen = await shownBy(COUNT, PROFILE, NOISE_KEY);
  t.same(
    SIZES.map((size) => share(seen, size)),
    [0, 1, 1, 1, 1, 1, 1, 1],
  );
});

t.test(
  "with noise nothing below k is shown, all from the greatest threshold on, and in between some of each size",
  async (t) => {
    t.equal(greatestThreshold(NOISY), 15);
    const seen = await shownBy(COUNT, NOISY, NOISE_KEY);
    t.equal(share(seen, 9), 0);
    t.equal(share(seen, 15), 1);
    t.equal(share(seen, 16), 1);
    for (const size of [11, 12, 13]) {
      t.ok(share(seen, size) > 0 && share(seen, size) < 1, `${size}: ${share(seen, size)}`);
    }
    t.ok(seen.find((one) => one.hospital === "large")?.shown);
  },
);

t.test("the same subjects get the same answer in other words, and another deployment gives another", async (t) => {
  const first = await shownBy(COUNT, NOISY, NOISE_KEY);
  t.same(await shownBy(COUNT, NOISY, NOISE_KEY), first);
  // Counted subject by subject, and with a condition that keeps everybody.
  for (const sql of [
    "SELECT hospital, count(DISTINCT person) FROM visits GROUP BY 1",
    "SELECT hospital, count(cost) FROM visits WHERE day >= '2020-01-01' GROUP BY 1",
  ]) {
    t.same(await shownBy(sql, NOISY, NOISE_KEY), first, sql);
  }
  // R3 asks that k subjects differ from the most frequent amount: that takes one more where all differ.
  const sums = await shownBy("SELECT hospital, sum(cost) FROM visits GROUP BY 1", NOISY, NOISE_KEY);
  const larger = (seen: readonly Seen[]): Seen[] => seen.filter((one) => !one.hospital.startsWith("S10"));
  t.same(larger(sums), larger(first));
  t.notSame(await shownBy(COUNT, NOISY, OTHER_KEY), first);
});

t.test("a condition that splits off few is blocked with the same noise", async (t) => {
  const outcome = async (hospital: string, profile: EgressProfile): Promise<boolean> => {
    const sql = `SELECT count(*) FROM visits WHERE hospital <> '${hospital}'`;
    return (await session.query(ask(sql, profile))).answer.facts.blockedBy.includes("R19");
  };
  const seen = await shownBy(COUNT, NOISY, NOISE_KEY);
  for (const size of ["09", "10", "12", "15"]) {
    for (const copy of ["00", "01", "02", "03"]) {
      const hospital = `S${size}-${copy}`;
      const isShown = seen.find((one) => one.hospital === hospital)!.shown;
      t.equal(await outcome(hospital, NOISY), !isShown, hospital);
    }
  }
  t.equal(await outcome("S10-00", PROFILE), false);
});

t.test("thresholds have the mean and deviation of the profile, and are the greatest where the set is unknown", (t) => {
  const isEnough = thresholdOf(NOISY, NOISE_KEY);
  const passing = (subjects: number): number => {
    let count = 0;
    for (let sketch = 0n; sketch < 2000n; sketch++) count += isEnough(subjects, sketch * 7919n) ? 1 : 0;
    return count / 2000;
  };
  // P(noise <= 2) is a half, P(noise <= 3) that of one deviation above the mean.
  t.ok(Math.abs(passing(12) - 0.5) < 0.05);
  t.ok(Math.abs(passing(13) - 0.84) < 0.04);
  t.ok(Math.abs(passing(11) - 0.16) < 0.04);
  t.equal(passing(9), 0);
  t.equal(passing(15), 1);
  t.notOk(isEnough(14, undefined));
  t.ok(isEnough(15, undefined));
  t.ok(thresholdOf(PROFILE, NOISE_KEY)(10, undefined));
  t.end();
});
