import fc from "fast-check";
import t from "tap";
import { createClient, readEventStream, type ServerEvent } from "#client/index.ts";
import { MEDIA_TYPE } from "#contract/release.ts";
import { TERMINAL_STATES } from "#contract/job.ts";
import { ACCEPT, isSettled } from "#client/index.ts";
import { sendJson, startDouble } from "./http-double.ts";

async function* chunksOf(text: string, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let from = 0;
  for (const cut of [...cuts.map((at) => at % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length]) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
}

async function parse(text: string, cuts: readonly number[] = []): Promise<ServerEvent[]> {
  const events: ServerEvent[] = [];
  for await (const event of readEventStream(chunksOf(text, cuts))) events.push(event);
  return events;
}

t.test("events have a type, data of several lines and an id; comments and unfinished events are skipped", async (t) => {
  const events = await parse(
    ': alive\n\nevent: state\nid: 4\ndata: {"a":\ndata:1}\n\ndata\n\nretry: 10\n\nevent: lost\ndata: no end\n',
  );
  t.same(events, [
    { type: "state", data: '{"a":\n1}', id: "4" },
    { type: "message", data: "", id: "4" },
  ]);
});

t.test("every line end and every cut gives the same events", async (t) => {
  const source = "event: 状态\ndata: 一\ndata: 二\n\n: x\ndata: 🎈\n\n";
  const expected = await parse(source);
  t.equal(expected.length, 2);
  const property = fc.asyncProperty(
    fc.constantFrom("\n", "\r\n", "\r"),
    fc.array(fc.nat(80), { maxLength: 8 }),
    async (end, cuts) => {
      const events = await parse(source.replaceAll("\n", end), cuts);
      return JSON.stringify(events) === JSON.stringify(expected);
    },
  );
  await t.resolves(fc.assert(property, { numRuns: 200 }));
});

t.test("a list goes through all its pages and stops when the reader has enough", async (t) => {
  const { url, seen } = await startDouble(t, [
    sendJson(200, { items: [{ id: "a" }, { id: "b" }], next: "c1" }),
    sendJson(200, { items: [{ id: "c" }], next: "c2" }),
    sendJson(200, { items: [{ id: "d" }] }),
  ]);
  const ids: string[] = [];
  for await (const job of createClient({ url }).jobs.list({ scenario: "s", limit: 2 })) ids.push(job.id);
  t.same(ids, ["a", "b", "c", "d"]);
  t.same(
    seen.map(({ path }) => path),
    ["", "&cursor=c1", "&cursor=c2"].map((rest) => `/v1/jobs?scenario=s&limit=2${rest}`),
  );
  const again = await startDouble(t, [sendJson(200, { items: [{ id: "a" }], next: "c1" })]);
  for await (const job of createClient({ url: again.url }).jobs.list()) {
    t.equal(job.id, "a");
    break;
  }
  t.equal(again.seen.length, 1);
});

t.test("a server that repeats its cursor does not hold the client", async (t) => {
  const { url } = await startDouble(t, [sendJson(200, { items: [{ id: "a" }], next: "same" })]);
  let count = 0;
  for await (const _ of createClient({ url }).products.list()) count += 1;
  t.equal(count, 2);
  const audit = await startDouble(t, [sendJson(200, { items: [{ seq: 1 }], next: 0 })]);
  for await (const _ of createClient({ url: audit.url }).audit.entries()) count += 1;
  t.equal(count, 3);
});

t.test("the events of a job are read as they come", async (t) => {
  const { url } = await startDouble(t, [
    (_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write('event: state\ndata: {"type":"state","state":"running","at":"x"}\n\n');
      setTimeout(() => response.end('event: state\ndata: {"type":"state","state":"succeeded","at":"y"}\n\n'), 20);
    },
  ]);
  const states: unknown[] = [];
  for await (const event of createClient({ url }).jobs.events("j")) states.push(event.state);
  t.same(states, ["running", "succeeded"]);
});

t.test("waiting ends with the job and its verdict, or with the time", async (t) => {
  const job = (state: string, verdict: string) => sendJson(200, { id: "j", state, egress: { verdict, findings: [] } });
  const { url } = await startDouble(t, [
    job("queued", "pending"),
    job("running", "pending"),
    job("succeeded", "pending"),
    job("succeeded", "release"),
  ]);
  const seen: string[] = [];
  const last = await createClient({ url }).jobs.wait("j", { onState: ({ state }) => seen.push(state) });
  t.equal(last.egress.verdict, "release");
  t.same(seen, ["queued", "running", "succeeded", "succeeded"]);
  const slow = await startDouble(t, [job("running", "pending")]);
  await t.rejects(createClient({ url: slow.url }).jobs.wait("j", { withinMs: 50 }), { code: "timed_out" });
});

t.test("what the client knows without loading the contract agrees with it", async (t) => {
  for (const [format, media] of Object.entries(ACCEPT)) {
    t.ok(MEDIA_TYPE[format as keyof typeof MEDIA_TYPE].startsWith(media));
  }
  for (const state of TERMINAL_STATES) {
    t.ok(isSettled({ state, egress: { verdict: "release", findings: [] } } as never), state);
  }
});
