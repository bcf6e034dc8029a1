import { Type, type Static } from "typebox";
import { DigestText, Instant, Name, OneOf } from "./common.ts";
import { OutputDescriptor } from "./egress.ts";
import { ProductType } from "./scenario.ts";

export const ReleaseFormat = OneOf(["arrow", "csv", "json", "parquet"]);
export type ReleaseFormat = "arrow" | "csv" | "json" | "parquet";

export const MEDIA_TYPE: Readonly<Record<ReleaseFormat, string>> = {
  arrow: "application/vnd.apache.arrow.stream",
  csv: "text/csv; charset=utf-8",
  json: "application/json; charset=utf-8",
  parquet: "application/vnd.apache.parquet",
};

/** A table in JSON. 64-bit integers and decimals are strings; a suppressed value is null with a note. */
export const ReleasedTable = Type.Object({
  columns: Type.Array(Type.Object({ name: Type.String(), type: Type.String() })),
  rows: Type.Array(Type.Array(Type.Unknown())),
  suppressed: Type.Integer({ minimum: 0 }),
  notes: Type.Array(Type.Object({ rule: Type.String(), message: Type.String() })),
});
export type ReleasedTable = Static<typeof ReleasedTable>;

export const ReleaseView = Type.Object({
  id: Type.String(),
  job: Type.String(),
  egressRequest: Type.String(),
  scenario: Name,
  organisation: Name,
  state: OneOf(["released", "revoked", "expired"]),
  verdict: Type.String(),
  productType: ProductType,
  recipients: Type.Array(Name),
  outputs: Type.Array(OutputDescriptor),
  digest: DigestText,
  auditEntry: Type.Integer(),
  releasedAt: Instant,
  revokedAt: Type.Optional(Instant),
});
export type ReleaseView = Static<typeof ReleaseView>;
