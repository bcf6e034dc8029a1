import type { Selectable } from "kysely";
import type { Schema } from "#persistence/index.ts";

export type AgreementRow = Selectable<Schema["agreements"]>;
export type OpinionRow = Selectable<Schema["opinions"]>;
export type FilingRow = Selectable<Schema["filings"]>;
