import t from "tap";
import { localDay } from "#kernel/clock.ts";
import { ERROR_TABLE, AppError, isAppError, isErrorCode } from "#kernel/errors.ts";
import { createId } from "#kernel/ids.ts";

t.test("identifiers carry their prefix, sort by time and do not repeat", async (t) => {
  const early = createId("job", 1_700_000_000_000);
  const late = createId("job", 1_700_000_000_001);
  t.match(early, /^job_[0-9a-hjkmnp-tv-z]{26}$/);
  t.ok(early < late);
  const many = new Set(Array.from({ length: 10_000 }, () => createId("release", 0)));
  t.equal(many.size, 10_000);
});

t.test("a day is the day in China, not in UTC", async (t) => {
  const at = (text: string) => ({ nowMs: () => Date.parse(text) });
  t.equal(localDay(at("2026-12-31T15:59:59Z")), "2026-12-31");
  t.equal(localDay(at("2026-12-31T16:00:00Z")), "2027-01-01");
});

t.test("every error code has a status, a title and says whether to try again", async (t) => {
  for (const [code, entry] of Object.entries(ERROR_TABLE)) {
    t.ok(isErrorCode(code));
    t.ok(entry.status >= 400 && entry.status < 600, code);
    t.ok(entry.title.length > 0, code);
    t.type(entry.retryable, "boolean");
  }
  t.notOk(isErrorCode("nonsense"));
  const error = new AppError("not_found", undefined, { cause: new Error("secret") });
  t.equal(error.message, ERROR_TABLE.not_found.title);
  t.ok(isAppError(error, "not_found"));
  t.notOk(isAppError(error, "conflict"));
});
