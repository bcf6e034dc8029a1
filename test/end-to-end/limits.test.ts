import t from "tap";
import { startTestServer } from "./server.ts";

t.test("a caller beyond its rate is told to wait, and nobody else is", async (t) => {
  const server = await startTestServer(t, { empty: true, env: { SLUICE_RATE_LIMIT: "5" } });
  const call = async (token: string) =>
    fetch(`${server.url}/v1/products`, { headers: { authorization: `Bearer ${token}` } });
  const token = await server.token("op", "operator", "li");
  const answers = [];
  for (let i = 0; i < 7; i++) answers.push(await call(token));
  t.strictSame(
    answers.map((answer) => answer.status),
    [200, 200, 200, 200, 200, 429, 429],
  );
  const refused = answers.at(-1)!;
  t.match(refused.headers.get("content-type"), "application/problem+json");
  t.ok(Number(refused.headers.get("retry-after")) > 0);
  t.match(await refused.json(), { code: "too_many_requests", status: 429 });
  t.equal((await call(await server.token("op", "operator", "sun"))).status, 200);
});
