import type { Command } from "commander";
import type { Bind } from "../program.ts";

export function declareAuditCommands(program: Command, bind: Bind): void {
  const audit = program.command("audit").description("the audit log");
  const verify = audit
    .command("verify [file]")
    .description("check the hash chain: of a server, of an export (file, one entry a line), or of a data directory")
    .option("--data <directory>", "check an embedded data directory; no server may be running on it")
    .option("--checkpoint <seq:hash>", "a checkpoint that was kept elsewhere and must be in the chain");
  bind(verify, async () => (await import("../commands/audit-verify.ts")).verifyAudit);
  const exporting = audit
    .command("export")
    .description("write the log of a server, one entry a line")
    .option("-o, --out <file>", "file to write; standard output otherwise");
  bind(exporting, async () => (await import("../commands/audit-export.ts")).exportAudit);
}
