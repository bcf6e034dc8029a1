import type { Generated } from "kysely";

export interface RunnerRow {
  name: string;
  state: Generated<"active" | "paused" | "draining">;
  places: number;
  memory_bytes: number | null;
  confinement: string | null;
  warm: string[];
  first_seen_at: Date;
  last_seen_at: Date;
  changed_by: string | null;
  changed_at: Date | null;
}

export interface OrganisationUseRow {
  organisation: string;
  cpu_ms: number;
  at: Date;
}

export interface ScenarioUseRow {
  scenario: string;
  /** `YYYY-MM-DD`, where the deployment is. */
  day: string;
  jobs: number;
  cpu_ms: number;
  releases: number;
}

export interface SchedulingTables {
  runners: RunnerRow;
  organisation_use: OrganisationUseRow;
  scenario_use: ScenarioUseRow;
}
