import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { parseAllDocuments } from "yaml";

const EXAMPLES = "docs/deploy";
const files = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" })
  .map((name) => join(EXAMPLES, name))
  .filter((path) => /\.(yaml|service)$|Containerfile$/.test(path));

function knownSettings(): Set<string> {
  const text = readdirSync("src/config")
    .map((name) => readFileSync(join("src/config", name), "utf8"))
    .join("\n");
  return new Set(text.match(/SLUICE_[A-Z_]+[A-Z]/g));
}

function documents(path: string): unknown[] {
  return parseAllDocuments(readFileSync(path, "utf8"), { merge: true }).map((document) => {
    if (document.errors.length > 0) throw document.errors[0]!;
    return document.toJS() as unknown;
  });
}

t.test("every setting that an example names is one, and is documented", async (t) => {
  const known = knownSettings();
  const documentation = readFileSync("docs/configuration.md", "utf8");
  // SLUICE_SOURCES is compose's own, for a path of the host
  let seen = 0;
  for (const path of files) {
    for (const name of new Set(readFileSync(path, "utf8").match(/SLUICE_[A-Z_]+[A-Z]/g))) {
      seen++;
      if (name === "SLUICE_SOURCES" || name === "SLUICE_OIDC") continue;
      t.ok(known.has(name), `${path}: ${name}`);
      const short = name.replace(/^SLUICE_(OIDC|NODES_TLS|STORAGE|RUNNER)/, "");
      t.ok(documentation.includes(name) || documentation.includes(`\`${short}\``), `${name} is documented`);
    }
  }
  t.ok(seen > 20);
});

t.test("manifests have kind, name and namespace, and run as nobody with nothing", async (t) => {
  const kinds: string[] = [];
  for (const path of files.filter((each) => each.includes("kubernetes"))) {
    for (const document of documents(path)) {
      const { kind, metadata, spec } = document as {
        kind: string;
        metadata: { name?: string; namespace?: string };
        spec?: { template?: { spec: { containers: { securityContext: object }[]; securityContext: object } } };
      };
      kinds.push(kind);
      t.ok(metadata.name && (metadata.namespace ?? kind === "Namespace"), `${path}: ${kind}`);
      if (!spec?.template) continue;
      t.match(spec.template.spec.securityContext, { runAsNonRoot: true });
      for (const { securityContext } of spec.template.spec.containers) {
        t.match(securityContext, { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } });
      }
    }
  }
  t.strictSame(kinds.filter((kind) => kind === "StatefulSet").length, 2);
});

t.test("the compose file names only what it declares", async (t) => {
  const [compose] = documents("docs/deploy/container/compose.yaml") as [
    {
      services: Record<string, { secrets?: string[]; volumes?: string[]; depends_on?: object; cap_drop?: string[] }>;
      secrets: object;
      volumes: object;
    },
  ];
  for (const [name, { secrets = [], volumes = [], depends_on = {}, cap_drop }] of Object.entries(compose.services)) {
    for (const secret of secrets) t.ok(secret in compose.secrets, `${name}: ${secret}`);
    for (const volume of volumes.filter((each) => /^[a-z]/.test(each))) {
      const [kept = ""] = volume.split(":");
      t.ok(kept in compose.volumes, `${name}: ${volume}`);
    }
    for (const other of Object.keys(depends_on)) t.ok(other in compose.services, `${name}: ${other}`);
    if (name !== "database") t.strictSame(cap_drop, ["ALL"], name);
  }
});

const analyses = spawnSync("systemd-analyze", ["--version"]).status === 0;

t.test("units pass systemd-analyze verify", { skip: !analyses && "systemd-analyze is not installed" }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "sluice-units-"));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  for (const path of files.filter((each) => each.endsWith(".service"))) {
    // the program of the example is not installed here, and what it is called is not what is looked at
    const unit = readFileSync(path, "utf8")
      .replace(/^ExecStart=\S+/m, "ExecStart=/bin/true")
      .replace(/^Documentation=.*$/m, "");
    const copy = join(directory, path.split("/").at(-1)!);
    writeFileSync(copy, unit);
    const said = execFileSync("/bin/sh", ["-c", 'systemd-analyze verify "$0" 2>&1 || echo "status $?"', copy], {
      encoding: "utf8",
    });
    const own = said.split("\n").filter((line) => line.includes("sluice") || line.startsWith("status"));
    t.strictSame(own, [], path);
    for (const needed of ["Delegate=", "NoNewPrivileges=yes", "OOMPolicy=continue", "ProtectSystem=strict"]) {
      t.ok(unit.includes(needed), `${path}: ${needed}`);
    }
    // a value that bubblewrap cannot live with
    t.notMatch(unit, /^(RestrictNamespaces|ProtectKernelTunables|ProtectProc|ProtectControlGroups)=/m);
  }
});
