import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { record, withAudit } from "#audit/index.ts";
import { type BackupReport, writeBackup } from "#backup/index.ts";
import { BackupCreate, BackupView } from "#contract/backup.ts";
import { AppError, isAppError } from "#kernel/errors.ts";
import type { Deployment } from "../deployment.ts";
import { auditorOf } from "../idempotency.ts";
import { problemResponses } from "../problem-responses.ts";
import type { App } from "../route.ts";

/**
 * A backup of the running server, written on its own machine below a directory that whoever runs it has named: nothing
 * of it leaves over HTTP, and no key is in it.
 */
export function backupRoutes(app: App, deployment: Deployment): void {
  let running = false;
  app.post(
    "/v1/backups",
    {
      config: { access: { roles: ["operator"], audit: "backup.written" } },
      schema: {
        operationId: "writeBackup",
        summary: "Write a backup below SLUICE_BACKUP_DIRECTORY on the server's machine",
        tags: ["operations"],
        body: BackupCreate,
        response: { 201: BackupView, ...problemResponses(409, 422, 501) },
      },
    },
    async (request, reply) => {
      if (running) throw new AppError("conflict", "a backup is being written");
      running = true;
      try {
        const report = await write(deployment, request.body);
        await withAudit(deployment.db, auditorOf(request, deployment), async (context) =>
          record(context, {
            action: "backup.written",
            subject: { kind: "backup", id: request.body.name },
            detail: { checkpoint: report.checkpoint.seq, rows: report.rows, files: report.files },
          }),
        );
        return await reply.code(201).send(report);
      } finally {
        running = false;
      }
    },
  );
}

async function write(deployment: Deployment, order: BackupCreate): Promise<BackupReport> {
  const { config, handle, bundle, clock, objects, products: stored } = deployment;
  const { backupDirectory, dataDirectory } = config;
  if (backupDirectory === undefined) throw new AppError("not_supported", "SLUICE_BACKUP_DIRECTORY is not set");
  await mkdir(backupDirectory, { recursive: true, mode: 0o700 });
  const to = join(backupDirectory, order.name);
  const { products = true } = order;
  const place = { dataDirectory, to, storage: { objects, products: stored } };
  const request = { handle, ...place, products, policies: bundle.digest, nowMs: clock.nowMs() };
  try {
    return await writeBackup(request);
  } catch (error) {
    // here the place is the caller's choice, not a setting
    if (isAppError(error, "configuration_invalid")) throw new AppError("conflict", error.message);
    throw error;
  }
}
