import { connect } from "../connect.ts";
import { listOutcome } from "../list.ts";
import type { CommandBody } from "../terminal.ts";

export const listBundles: CommandBody<object> = async ({ terminal }) => {
  const client = await connect(terminal);
  return listOutcome(await client.policies.list({ signal: terminal.signal }), {
    digest: ({ digest }) => digest,
    "decides now": ({ current }) => (current ? "yes" : ""),
    "first used": ({ firstUsedAt }) => firstUsedAt,
    adopted: ({ adoptedAt }) => adoptedAt,
    by: ({ adoptedBy }) => adoptedBy,
  });
};
