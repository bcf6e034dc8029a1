import type { Command } from "commander";
import type { Bind } from "../program.ts";
import { limitOption, oneOf, repeated, wholeNumber } from "./option.ts";

export function declareEgressCommands(program: Command, bind: Bind): void {
  declareReleases(program.command("releases").description("what has left the space"), bind);
  declareReviews(program.command("reviews").description("egress requests and their review"), bind);
  declareFilings(program.command("filings").description("filings with the implementing body"), bind);
}

function declareReleases(releases: Command, bind: Bind): void {
  const list = releases.command("list").description("releases, newest first").addOption(limitOption());
  bind(list, async () => (await import("../commands/releases.ts")).listReleases);
  const show = releases.command("show <release>").description("one release");
  bind(show, async () => (await import("../commands/releases.ts")).showRelease);
  const get = releases
    .command("get <release>")
    .description("download what was released")
    .option("-o, --out <file>", "file to write; standard output otherwise")
    .option("--output <name>", "which output, when there are several")
    .addOption(
      oneOf("--format <format>", "format of the download", ["csv", "json", "arrow", "parquet"]).default("csv"),
    );
  bind(get, async () => (await import("../commands/releases.ts")).getRelease);
  const revoke = releases
    .command("revoke <release>")
    .description("stop every further download of a release")
    .requiredOption("--reason <text>", "why");
  bind(revoke, async () => (await import("../commands/releases.ts")).revokeRelease);
}

function declareReviews(reviews: Command, bind: Bind): void {
  const list = reviews
    .command("list")
    .description("egress requests")
    .option("--state <state>", "in one state, e.g. under_review")
    .addOption(limitOption());
  bind(list, async () => (await import("../commands/reviews.ts")).listReviews);
  const show = reviews.command("show <request>").description("one request with the evidence that you may see");
  bind(show, async () => (await import("../commands/reviews.ts")).showReview);
  const preview = reviews
    .command("preview <request>")
    .description("first rows of the quarantined result, for a reviewer; the view is recorded")
    .option("--output <name>", "which output, when there are several")
    .option("--rows <n>", "most rows to show", wholeNumber(1), 20);
  bind(preview, async () => (await import("../commands/reviews.ts")).previewReview);
  for (const decision of ["approve", "reject", "return"] as const) {
    const command = reviews
      .command(`${decision} <request>`)
      .description(`${decision} a request`)
      .requiredOption("--comment <text>", "what the applicant is told")
      .addOption(repeated("--reason-code <code>", "a code for the reason (again for more)"));
    bind(command, async () => (await import("../commands/reviews.ts")).decideReview(decision));
  }
}

function declareFilings(filings: Command, bind: Bind): void {
  const list = filings.command("list").description("filings").addOption(limitOption());
  bind(list, async () => (await import("../commands/filings.ts")).listFilings);
  const accept = filings
    .command("accept <filing>")
    .description("accept a filing")
    .option("--comment <text>", "a remark");
  bind(accept, async () => (await import("../commands/filings.ts")).acceptFiling);
  const giveBack = filings
    .command("return <filing>")
    .description("return a filing")
    .requiredOption("--comment <text>", "what is missing");
  bind(giveBack, async () => (await import("../commands/filings.ts")).returnFiling);
}
