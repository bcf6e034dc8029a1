import type { Command } from "commander";
import type { Bind } from "../program.ts";
import { repeated, wholeNumber } from "./option.ts";

export function declareServerCommands(program: Command, bind: Bind): void {
  const serve = program
    .command("serve")
    .description("run the control plane and one local runner")
    .option("--development", "local token issuer, no OIDC; never with real data")
    .option("--insecure-http", "listen beyond loopback although no TLS protects it")
    .option("--data <directory>", "where state, products and releases lie (SLUICE_DATA)")
    .option("--host <address>", "address to listen on")
    .option("--port <port>", "port to listen on; 0 takes a free one", wholeNumber(0))
    .addOption(repeated("--source-root <directory>", "directory that ingest may read from (again for more)"));
  bind(serve, async () => (await import("../commands/serve.ts")).serveCommand);

  const runner = program
    .command("runner")
    .description("run a runner node: this machine takes jobs of a control plane elsewhere")
    .option("--control-plane <url>", "the server's address for runner nodes (SLUICE_CONTROL_PLANE)")
    .option("--data <directory>", "where its key and its cache lie (SLUICE_DATA)")
    .option("--name <name>", "its name, for the enrolment (SLUICE_RUNNER_NAME; the token is SLUICE_ENROLMENT_TOKEN)")
    .option("--development", "accept plain child processes where no confinement holds; never with real data")
    .option("--insecure-http", "reach the control plane beyond loopback although no TLS protects it");
  bind(runner, async () => (await import("../commands/runner.ts")).runnerCommand);

  const doctor = program
    .command("doctor")
    .description("say what is installed and which confinement is in force")
    .option("--development", "judge as a development server")
    .option("--data <directory>", "data directory to look at (SLUICE_DATA)");
  bind(doctor, async () => (await import("../commands/doctor.ts")).doctorCommand);
}
