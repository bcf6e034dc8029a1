import t from "tap";
import { checkEndpoint, createSender } from "#webhooks/index.ts";
import { startReceiver } from "./receiver.ts";

const production = {
  hosts: ["hooks.example.test", "10.1.2.3:8443", "169.254.169.254", "127.0.0.1", "localhost"],
  development: false,
};
const development = { hosts: [], development: true };

t.test("only https to hosts that were named, and never back to this machine", async (t) => {
  for (const url of [
    "https://hooks.example.test/a?b=c",
    "https://hooks.example.test:9443/",
    "https://10.1.2.3:8443/x",
  ]) {
    t.equal(checkEndpoint(url, production), undefined, url);
  }
  for (const url of [
    "http://hooks.example.test/",
    "https://other.example.test/",
    "https://hooks.example.test.evil.test/",
    "https://user:secret@hooks.example.test/",
    "https://hooks.example.test/#x",
    "https://10.1.2.3/",
    "https://169.254.169.254/latest/meta-data",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "ftp://hooks.example.test/",
    "no address",
  ]) {
    t.type(checkEndpoint(url, production), "string", url);
  }
});

t.test("a development server sends to loopback too, and no further", async (t) => {
  for (const url of ["http://127.0.0.1:8080/", "http://localhost:1/", "http://[::1]:80/"]) {
    t.equal(checkEndpoint(url, development), undefined, url);
  }
  for (const url of ["http://10.0.0.1/", "http://localhost.evil.test/", "http://169.254.169.254/"]) {
    t.type(checkEndpoint(url, development), "string", url);
  }
});

const message = {
  id: "evt_1",
  body: "{}",
  key: Buffer.alloc(32),
  nowMs: Date.now(),
  stop: new AbortController().signal,
};

t.test("a name that was allowed and leads to this machine is refused when it is called", async (t) => {
  await using sender = createSender(production);
  t.equal(await sender.send({ ...message, url: "https://localhost/" }), "endpoint_refused");
});

t.test("an answer elsewhere is no delivery: redirects are not followed", async (t) => {
  const [target, receiver] = [await startReceiver(t), await startReceiver(t)];
  receiver.answer = () => ({ status: 307, location: target.url });
  await using sender = createSender(development);
  t.equal(await sender.send({ ...message, url: receiver.url }), "status_307");
  t.equal(target.received.length, 0);
});

t.test("what fails has a code and tells nothing of the other side", async (t) => {
  await using sender = createSender(development);
  t.equal(await sender.send({ ...message, url: "http://127.0.0.1:1/" }), "not_reachable");
  t.equal(await sender.send({ ...message, url: "http://10.0.0.1/" }), "endpoint_refused");
  const receiver = await startReceiver(t);
  t.equal(await sender.send({ ...message, url: receiver.url }), undefined);
  const stop = AbortSignal.abort();
  t.equal(await sender.send({ ...message, url: receiver.url, stop }), "stopped");
});
