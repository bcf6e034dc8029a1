import type { Logger } from "pino";
import type { Config } from "#config/index.ts";
import { AppError } from "#kernel/errors.ts";
import { type Confinement, detectConfinement } from "#runner/index.ts";

/** Guest code is refused unless an accepted confinement can be set up. */
export async function requireConfinement(
  { confinement, controlGroup }: Pick<Config, "confinement" | "controlGroup">,
  log: Logger,
): Promise<Confinement> {
  const found = await detectConfinement({ accepted: confinement, controlGroup });
  const { refusals } = found;
  if (found.confinement === undefined) {
    const message = `none of the accepted confinements (${confinement.join(", ")}) holds on this machine`;
    throw new AppError("configuration_invalid", [message, ...refusals].join("\n- "), { details: { refusals } });
  }
  if (found.confinement === "process") log.warn({ refusals }, "jobs run as plain child processes, without a sandbox");
  else log.info({ confinement: found.confinement, refusals }, "confinement in force");
  return found.confinement;
}
