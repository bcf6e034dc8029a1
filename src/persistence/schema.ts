import type { Kysely, Transaction as KyselyTransaction } from "kysely";
import type { CatalogueTables } from "./tables-catalogue.ts";
import type { ChoreTables } from "./tables-chores.ts";
import type { CoreTables } from "./tables-core.ts";
import type { EgressTables } from "./tables-egress.ts";
import type { JobTables } from "./tables-jobs.ts";
import type { NodeTables } from "./tables-nodes.ts";
import type { SchedulingTables } from "./tables-scheduling.ts";
import type { SecurityTables } from "./tables-security.ts";

/** Every table; each noun declares its own. */
export interface Schema
  extends
    CoreTables,
    CatalogueTables,
    JobTables,
    EgressTables,
    SecurityTables,
    SchedulingTables,
    NodeTables,
    ChoreTables {}

export type Database = Kysely<Schema>;
export type Transaction = KyselyTransaction<Schema>;
