import { type Static, Type } from "typebox";
import { AuditCheckpoint } from "./audit.ts";
import { Name } from "./common.ts";

export const BackupCreate = Type.Object(
  { name: Name, products: Type.Optional(Type.Boolean({ default: true })) },
  { additionalProperties: false },
);
export type BackupCreate = Static<typeof BackupCreate>;

export const BackupView = Type.Object({
  /** On the server's machine. */
  directory: Type.String(),
  rows: Type.Integer({ minimum: 0 }),
  files: Type.Integer({ minimum: 0 }),
  /** Objects of revoked releases that retention had removed, or that do not open. */
  evidenceAbsent: Type.Integer({ minimum: 0 }),
  checkpoint: AuditCheckpoint,
});
export type BackupView = Static<typeof BackupView>;
