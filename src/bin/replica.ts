import { hostname } from "node:os";
import type { Logger } from "pino";
import type { Config } from "#config/index.ts";
import { LOCAL_RUNNER } from "#contract/node.ts";
import { sha256 } from "#kernel/digest.ts";

/** Name of this server among the replicas: the same after a restart, unless it listens on any free port. */
export function replicaId({ replica, listen }: Config): string {
  if (replica !== undefined) return replica;
  const own = listen.port === 0 ? `${listen.host}:${process.pid}` : `${listen.host}:${listen.port}`;
  return `${hostname()}/${own}`;
}

const MOST = 80;

/** Runners are known by their names, so those of replicas differ. */
export function localRunnerName(config: Config): string {
  if (config.database.kind === "embedded") return LOCAL_RUNNER;
  const name = `${LOCAL_RUNNER}@${replicaId(config).replaceAll(/[^A-Za-z0-9_.:@+/-]/g, "-")}`;
  // what is cut off may be the port: replicas of one host must not give back each other's leases
  return name.length <= MOST ? name : `${name.slice(0, MOST - 13)}-${sha256(name).slice(7, 19)}`;
}

/** What this server's own runner may ingest: nothing where subjects do not have their ordinals. */
export function ingestPlaces({ runner }: Config, isIngestHome: boolean, log: Logger): number {
  if (isIngestHome || runner.concurrentIngests === 0) return runner.concurrentIngests;
  log.warn("products are ingested on another machine: subjects have their ordinals in its data directory");
  return 0;
}
