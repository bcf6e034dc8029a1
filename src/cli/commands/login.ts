import { text } from "node:stream/consumers";
import { usageError } from "../cli-error.ts";
import { objectOutcome } from "../list.ts";
import { deleteProfile, profilePath, saveProfile } from "../profile.ts";
import type { CommandBody } from "../terminal.ts";

/** The token comes from standard input, because arguments can be seen by every user of the machine. */
export const loginCommand: CommandBody<{ url: string }> = async ({ terminal, options }) => {
  const url = URL.canParse(options.url) ? new URL(options.url) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) throw usageError("--url must be an http or https address");
  const token = (await text(terminal.stdin)).trim();
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw usageError("standard input holds no token");
  const path = profilePath(terminal);
  await saveProfile(path, { url: options.url, token });
  return objectOutcome({ url: options.url, profile: path }, `kept in ${path}`);
};

export const logoutCommand: CommandBody<object> = async ({ terminal }) => {
  const path = profilePath(terminal);
  const deleted = await deleteProfile(path);
  return objectOutcome({ profile: path, deleted }, deleted ? `${path} deleted` : "there was no profile");
};
