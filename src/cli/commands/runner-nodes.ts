import { connect } from "../connect.ts";
import { listOutcome, objectOutcome } from "../list.ts";
import { formatFields } from "../print/table.ts";
import type { CommandBody } from "../terminal.ts";

export const listNodes: CommandBody<object> = async ({ terminal }) => {
  const client = await connect(terminal);
  return listOutcome(await client.runnerNodes.list(), {
    name: ({ name }) => name,
    state: ({ state }) => state,
    key: ({ keyThumbprint }) => keyThumbprint ?? "",
    invited: ({ invitedAt }) => invitedAt,
    enrolled: ({ enrolledAt }) => enrolledAt ?? "",
    revoked: ({ revokedAt }) => revokedAt ?? "",
  });
};

/** The token alone on standard output, so that it can be handed on without being seen. */
export const enrolNode: CommandBody<object> = async ({ terminal, args: [name = ""] }) => {
  const client = await connect(terminal);
  const invitation = await client.runnerNodes.invite(name);
  const notes = `give it to sluice runner --name ${invitation.name} as SLUICE_ENROLMENT_TOKEN before ${invitation.expiresAt}`;
  return { ...objectOutcome(invitation, invitation.token), notes };
};

export const revokeNode: CommandBody<{ reason: string }> = async ({ terminal, options, args: [name = ""] }) => {
  const client = await connect(terminal);
  const node = await client.runnerNodes.revoke(name, options.reason);
  return objectOutcome(
    node,
    formatFields([
      ["name", node.name],
      ["state", node.state],
      ["revoked", node.revokedAt],
      ["by", node.revokedBy],
      ["reason", node.revokeReason],
    ]),
  );
};
