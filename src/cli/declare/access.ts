import type { Command } from "commander";
import type { Bind } from "../program.ts";
import { repeated } from "./option.ts";

export function declareAccessCommands(program: Command, bind: Bind): void {
  const token = program
    .command("token")
    .description("make an access token of a development server's issuer")
    .requiredOption("--org <organisation>", "organisation of the holder")
    .addOption(repeated("--role <role>", "role of the holder (again for more)").makeOptionMandatory())
    .option("--sub <name>", "name of the holder", "developer")
    .option("--lifetime <time>", "how long it is valid: 30m, 8h (longest 24h)", "8h")
    .option("--data <directory>", "data directory of the server (SLUICE_DATA)");
  bind(token, async () => (await import("../commands/token.ts")).tokenCommand);

  const login = program
    .command("login")
    .description("keep a server's address and a token (read from standard input) in the profile")
    .requiredOption("--url <url>", "address of the server");
  bind(login, async () => (await import("../commands/login.ts")).loginCommand);

  const logout = program.command("logout").description("delete the profile");
  bind(logout, async () => (await import("../commands/login.ts")).logoutCommand);
}
