import { link, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { checkSource } from "#catalogue/index.ts";
import type { ProductSource } from "#contract/product.ts";
import { isAppError } from "#kernel/errors.ts";
import { sha256 } from "#kernel/digest.ts";

const home = await realpath(await mkdtemp(join(tmpdir(), "catalogue-source-")));
t.teardown(async () => await rm(home, { recursive: true, force: true }));
const [root, second, outside] = [join(home, "root"), join(home, "second"), join(home, "root-outside")];
for (const directory of [join(root, "sub"), second, outside]) await mkdir(directory, { recursive: true });
await writeFile(join(root, "sub", "a.csv"), "id\n1\n");
await writeFile(join(second, "b.csv"), "id\n2\n");
await writeFile(join(outside, "secret.csv"), "id\n3\n");
await symlink(join(outside, "secret.csv"), join(root, "escape.csv"));
await symlink(outside, join(root, "escape"));
await symlink(join(root, "sub", "a.csv"), join(root, "inner.csv"));
await symlink(join(outside, "missing.csv"), join(root, "dangling.csv"));
await symlink(join(root, "loop"), join(root, "loop"));
const roots = [root, second, join(home, "no-such-root")];

async function refusal(source: ProductSource): Promise<{ code: string; message: string; details: string }> {
  const error = await checkSource(source, roots).catch((thrown: unknown) => thrown);
  if (!isAppError(error)) throw new Error("was not refused", { cause: error });
  return { code: error.code, message: error.message, details: JSON.stringify(error.details ?? {}) };
}

t.test("a file inside a root is found, absolute, relative, linked or as a file address", async (t) => {
  const a = join(root, "sub", "a.csv");
  const expected = { source: { path: a }, digest: sha256("id\n1\n") };
  t.same(await checkSource({ path: a }, roots), expected);
  t.same(await checkSource({ path: "sub/a.csv" }, roots), expected);
  t.same(await checkSource({ path: "inner.csv" }, roots), expected);
  t.same(await checkSource({ url: pathToFileURL(a).href }, roots), expected);
  await symlink(root, join(home, "linked-root"));
  t.same(await checkSource({ path: join(home, "linked-root", "sub", "a.csv") }, [join(home, "linked-root")]), expected);
  t.match(await checkSource({ path: "b.csv" }, roots), { source: { path: join(second, "b.csv") } });
});

t.test("what lies outside is refused, whether it exists or not", async (t) => {
  const paths = [
    join(outside, "secret.csv"),
    join(outside, "missing.csv"),
    "escape.csv",
    "escape/secret.csv",
    "escape/missing.csv",
    "escape/missing/deep.csv",
    "dangling.csv",
    "loop",
    "../root-outside/secret.csv",
    "sub/../../root-outside/secret.csv",
    "/etc/passwd",
    "/proc/self/environ",
    root,
    "/",
  ];
  const answers = new Set<string>();
  for (const path of paths) {
    const { code, message } = await refusal({ path });
    t.equal(code, "source_not_allowed", path);
    answers.add(message);
  }
  t.equal(answers.size, 1, "one answer for all");
  t.equal((await refusal({ url: "file:///etc/passwd" })).code, "source_not_allowed");
  const nowhere = await checkSource({ path: join(root, "sub", "a.csv") }, []).catch((error: unknown) => error);
  t.ok(isAppError(nowhere, "source_not_allowed"), "without roots nothing is allowed");
});

t.test("what is inside but no file is said to be wrong", async (t) => {
  for (const path of ["missing.csv", "sub/missing/deep.csv", "a\u0000b", "x".repeat(5000), "sub"]) {
    t.equal((await refusal({ path })).code, "invalid_product", JSON.stringify(path).slice(0, 40));
  }
});

t.test("a hard link cannot be told from the file itself, and is read", async (t) => {
  await link(join(outside, "secret.csv"), join(root, "hard.csv"));
  t.match(await checkSource({ path: "hard.csv" }, roots), { source: { path: join(root, "hard.csv") } });
});

t.test("nothing is fetched over the network", async (t) => {
  for (const url of ["http://localhost/x.csv", "https://example.org/x.csv", "s3://bucket/x", "data:text/csv,a"]) {
    t.equal((await refusal({ url })).code, "not_supported", url);
  }
  t.equal((await refusal({ url: "nonsense" })).code, "invalid_product");
});

t.test("a database address is split from its password, and no refusal quotes it", async (t) => {
  const secret = "pa55-w0rd";
  const url = `postgres://reader:${secret}@db.internal:5432/health?sslmode=require&password=${secret}`;
  const checked = await checkSource({ postgres: url, table: "public.visits" }, roots);
  t.equal(checked.secret, url);
  t.same(checked.source, {
    postgres: "postgres://reader@db.internal:5432/health?sslmode=require",
    table: "public.visits",
  });
  t.notOk(JSON.stringify(checked.source).includes(secret));
  const refused: ProductSource[] = [
    { postgres: `host=db password=${secret}`, table: "t" },
    { postgres: `mysql://u:${secret}@h/d`, table: "t" },
    { postgres: `postgres://u:${secret}@/d`, table: "t" },
    { postgres: `postgres://u:${secret}@h/d?passfile=/etc/shadow`, table: "t" },
    { postgres: `postgres://u:${secret}@h/d?sslkey=/etc/key`, table: "t" },
    { postgres: `postgres://u:${secret}@h/d`, table: "t; drop table x" },
    { postgres: `postgres://u:${secret}@h/d`, table: "a.b.c" },
  ];
  for (const source of refused) {
    const answer = await refusal(source);
    t.equal(answer.code, "invalid_product");
    t.notOk(JSON.stringify(answer).includes(secret));
  }
});
