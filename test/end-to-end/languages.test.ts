import t from "tap";
import type { JobView } from "#contract/job.ts";
import { createClient } from "#client/index.ts";
import type { ReleasedTable } from "#contract/release.ts";
import { acceptedLanguage } from "../../src/control-plane/language.ts";
import { run } from "../cli/terminal-double.ts";
import { startTestServer } from "./server.ts";

t.test("the language of a header", async (t) => {
  for (const [header, language] of [
    [undefined, "en"],
    ["", "en"],
    ["zh", "zh"],
    ["zh-CN,zh;q=0.9,en;q=0.8", "zh"],
    ["en-GB,zh;q=0.5", "en"],
    ["fr, zh;q=0.2", "zh"],
    ["fr;q=x, *", "en"],
    ["zh;q=0, en;q=0.1", "en"],
    ["zhuang", "en"],
  ] as const) {
    t.equal(acceptedLanguage(header), language, String(header));
  }
});

t.test("findings, notes and reasons come in the language that is asked for; nothing else changes", async (t) => {
  const server = await startTestServer(t);
  const token = await server.token("acme", "developer");
  const [zh, en] = [createClient({ url: server.url, token, language: "zh" }), createClient({ url: server.url, token })];
  const submit = async (sql: string): Promise<JobView> =>
    zh.jobs.submit({ scenario: "clinic-access", image: "sql@1", sql }, { waitSeconds: 60 });

  const hidden = await submit(
    "select district as message, count(*) as n from people where disease = '结核' group by 1",
  );
  t.match(hidden.egress.findings, [
    { rule: "R1", family: "threshold", code: "cell_too_small", message: "主体过少的单元已抑制" },
  ]);
  t.match((await en.jobs.get(hidden.id)).egress.findings, [{ message: "Cells with too few subjects are suppressed" }]);
  const request = await zh.egress.get(hidden.egress.requestId!);
  t.match(request.findings, [{ message: /抑制/ }]);
  for await (const item of zh.egress.list()) t.match(item.findings, [{ message: /抑制/ }]);
  const headers = { authorization: `Bearer ${token}`, accept: "application/json", "accept-language": "zh-CN" };
  const address = `${server.url}/v1/releases/${hidden.egress.releaseId!}/content`;
  const table = (await (await fetch(address, { headers })).json()) as ReleasedTable;
  t.match(table.notes, [{ rule: "R1", message: /抑制/ }]);
  t.match(table.rows[0], ["乐清"], "content is left as it is");

  const refused = await submit("select max(income) from people");
  t.match(refused.reason, /^该查询的形式不得出域/);
  t.match(refused.egress.findings, [
    {
      code: "aggregate_refused",
      construct: "max()",
      message: "该聚合函数可能暴露单个主体的取值（max() can show the value of one subject）",
      suggestion: /avg/,
    },
  ]);
  const unknown = await submit("select distrikt from people");
  t.match(unknown.egress.findings, [{ message: /^该名称未在本场景中挂载（.*distrikt/ }]);

  const env = { SLUICE_URL: server.url, SLUICE_TOKEN: token, LANG: "zh_CN.UTF-8" };
  const shown = await run(["jobs", "show", refused.id], { env });
  t.match(shown.stdout, /^拒绝 G2 aggregate_refused: 该聚合函数/m);
  t.match(shown.stdout, /^ {2}建议: 请/m);
  const english = await run(["jobs", "show", refused.id, "--lang", "en"], { env });
  t.match(english.stdout, /^refused G2 aggregate_refused: max\(\) can show/m);
});
