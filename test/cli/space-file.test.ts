import { readFileSync } from "node:fs";
import t from "tap";
import type { Space } from "#contract/space.ts";
import { sendJson, startDouble } from "../client/http-double.ts";
import { run } from "./terminal-double.ts";
import { parseSpaceFile } from "../../src/cli/space-file.ts";

const DEMO = readFileSync(new URL("../../src/demo/demo.space.yaml", import.meta.url), "utf8");

function messageFor(text: string): string {
  try {
    parseSpaceFile({ name: "x.yaml", text, directory: "/data" });
    return "accepted";
  } catch (error) {
    return (error as Error).message;
  }
}

function lineOf(text: string): number {
  return DEMO.slice(0, DEMO.indexOf(text)).split("\n").length;
}

t.test("source paths become absolute, from the directory of the file", async (t) => {
  const text = DEMO.replace("path: visits.json", "path: /other/visits.json");
  const space = parseSpaceFile({ name: "x", text, directory: "/data" }).space as Space;
  t.same(
    space.products?.map(({ source }) => source),
    [
      { path: "/data/flights-3m.parquet" },
      { path: "/data/residents.csv" },
      { path: "/other/visits.json" },
      { path: "/data/enterprises.parquet" },
    ],
  );
  t.equal(space.scenarios?.[0]?.expertOpinion?.date, "2025-12-20", "days stay text");
});

t.test("a pointer is found in the file, or else the thing around it", async (t) => {
  const { placeOf } = parseSpaceFile({ name: "x.yaml", text: DEMO, directory: "/data" });
  for (const [pointer, text] of [
    ["/space", "space: wenzhou-demo"],
    ["/organisations/1/kind", "kind: operator,"],
    ["/products/0/columns/2/grade", "name: distance,"],
    ["/products/1/source/path", "path: residents.csv"],
    ["/scenarios/1/opinion/number", "number: PO-2"],
    ["/scenarios/1/opinion/none/at/all", "number: PO-2"],
    ["/products/1/columns/99", "{ name: id, role: subject_key"],
  ] as const) {
    t.match(placeOf(pointer), new RegExp(`^x\\.yaml:${lineOf(text)}:\\d+$`), pointer);
  }
  t.match(placeOf(""), /^x\.yaml:\d+:1$/);
});

t.test("problems that the server finds are told with the lines of the file", async (t) => {
  const problems = [
    { path: "/organisations/1/kind", message: "is not known" },
    { path: "/scenarios/0/opinion/profile", message: "There is no profile x" },
  ];
  const problem = { type: "x", title: "x", status: 422, code: "invalid_space", details: { problems } };
  const { url, seen } = await startDouble(t, [sendJson(422, problem)]);
  const env = { SLUICE_URL: url, SLUICE_TOKEN: "a.b.c" };
  const { status, stderr } = await run(["apply", "-f", "-", "--development"], { env, stdin: DEMO, directory: "/data" });
  t.equal(status, 1);
  t.equal(
    stderr,
    `sluice: invalid_space: standard input:${lineOf("kind: operator,")}:30: /organisations/1/kind is not known\n` +
      `standard input:${lineOf("profile: controlled")}:16: /scenarios/0/opinion/profile There is no profile x\n`,
  );
  t.match(JSON.parse(seen[0]?.body ?? ""), { development: true, space: { space: "wenzhou-demo" } });
});

t.test("text that is not YAML, or not one thing, is refused with its line", async (t) => {
  t.match(messageFor("space: a\nspace: b\n"), /^x\.yaml:2:1: .*unique/);
  t.match(messageFor("space: [\n"), /^x\.yaml:\d+:\d+: /);
  t.match(messageFor("space: *nothing\n"), /^x\.yaml:1:1: .*alias/);
  t.equal(messageFor(""), "accepted", "an empty file is YAML; the server says what is missing");
  t.match(messageFor("%TAG ! x\n"), /^x\.yaml:/);
});

t.test("aliases cannot be used to grow the document without end", async (t) => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 9; i++) {
    const before = String.fromCodePoint(96 + i);
    const name = String.fromCodePoint(97 + i);
    bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(",")}]`);
  }
  t.match(messageFor(bomb.join("\n")), /^x\.yaml:\d+:\d+: /);
});
