import { chmod, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t, { type Test } from "tap";
import { sendJson, startDouble } from "../client/http-double.ts";
import { run } from "./terminal-double.ts";

const TOKEN = "aaa.bbb.ccc";

async function home(t: Test): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "sluice-home-"));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

t.test("login keeps address and token for its owner only, logout deletes them", async (t) => {
  const directory = await home(t);
  const login = await run(["login", "--url", "http://127.0.0.1:9"], { home: directory, stdin: `${TOKEN}\n` });
  t.equal(login.status, 0);
  t.notMatch(login.stdout + login.stderr, TOKEN);
  const file = join(directory, ".config", "sluice", "profile.json");
  t.equal((await stat(file)).mode & 0o777, 0o600);
  t.equal((await stat(join(directory, ".config", "sluice"))).mode & 0o777, 0o700);
  t.same(JSON.parse(await readFile(file, "utf8")), { url: "http://127.0.0.1:9", token: TOKEN });
  t.match(await run(["logout", "--json"], { home: directory }), { status: 0 });
  await t.rejects(stat(file), { code: "ENOENT" });
  t.match(await run(["logout"], { home: directory }), { status: 0, stdout: "there was no profile\n" });
});

t.test("XDG_CONFIG_HOME moves the profile", async (t) => {
  const directory = await home(t);
  const env = { XDG_CONFIG_HOME: join(directory, "elsewhere") };
  await run(["login", "--url", "http://127.0.0.1:9"], { home: directory, env, stdin: TOKEN });
  t.ok((await stat(join(directory, "elsewhere", "sluice", "profile.json"))).isFile());
});

t.test("the profile is used, and the environment wins over it", async (t) => {
  const directory = await home(t);
  const kept = await startDouble(t, [sendJson(200, { items: [] })]);
  const other = await startDouble(t, [sendJson(200, { items: [] })]);
  await run(["login", "--url", kept.url], { home: directory, stdin: TOKEN });
  t.equal((await run(["jobs", "list"], { home: directory })).status, 0);
  t.equal(kept.seen[0]?.headers.authorization, `Bearer ${TOKEN}`);
  await run(["jobs", "list"], { home: directory, env: { SLUICE_TOKEN: "x.y.z" } });
  t.equal(kept.seen[1]?.headers.authorization, "Bearer x.y.z");
  const refused = await run(["jobs", "list"], { home: directory, env: { SLUICE_URL: other.url } });
  t.match(refused, { status: 1, stderr: /^sluice: no_token: / }, "a kept token goes to its own server only");
  t.equal(other.seen.length, 0);
});

t.test("a profile that others can read, or that is none, is refused", async (t) => {
  const directory = await home(t);
  await run(["login", "--url", "http://127.0.0.1:9"], { home: directory, stdin: TOKEN });
  const file = join(directory, ".config", "sluice", "profile.json");
  await chmod(file, 0o644);
  t.match(await run(["jobs", "list"], { home: directory }), { status: 1, stderr: /^sluice: profile_exposed: / });
  t.match(await run(["login", "--url", "http://127.0.0.1:9"], { home: directory, stdin: "not a token" }), {
    status: 2,
  });
});

t.test("a token that would travel unencrypted is warned about", async (t) => {
  const env = { SLUICE_URL: "http://sluice.invalid", SLUICE_TOKEN: TOKEN };
  const { stderr } = await run(["reviews", "approve", "egr_1", "--comment", "x"], { env });
  t.match(stderr, /^sluice: warning: .*without encryption\n/);
});
