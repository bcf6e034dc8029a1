import { Type } from "typebox";
import { DigestText } from "#contract/common.ts";
import { AppError } from "#kernel/errors.ts";
import { getLeasedFile } from "#nodes/index.ts";
import type { Deployment } from "../deployment.ts";
import type { App } from "../route.ts";

const Params = Type.Object({ lease: Type.String({ pattern: "^lse_[0-9a-z]{26}$" }), digest: DigestText });
const RANGE = /^bytes=(\d{1,15})-$/;

/**
 * `GET /runner/v1/leases/:lease/files/:digest`: a file of a product that the lease's job mounts, from the beginning or,
 * with `Range: bytes=N-`, the rest of one. What it is worth its receiver checks by the digest.
 */
export function productFileRoute(app: App, deployment: Deployment): void {
  app.get(
    "/runner/v1/leases/:lease/files/:digest",
    {
      logLevel: "warn",
      config: { access: { roles: "open", audit: "read" } },
      schema: { params: Params },
    },
    async (request, reply) => {
      const { lease, digest } = request.params;
      const stored = await getLeasedFile(deployment.db, lease, digest);
      const { bytes } = stored.file;
      const start = startOf(request.headers.range);
      if (start > bytes || (start === bytes && bytes > 0)) throw new AppError("invalid_request", "the file is shorter");
      const stream = await deployment.products.open(stored, start);
      void reply.type("application/octet-stream").header("content-length", bytes - start);
      void reply.header("cache-control", "no-store").header("accept-ranges", "bytes");
      if (start > 0) void reply.code(206).header("content-range", `bytes ${start}-${bytes - 1}/${bytes}`);
      return reply.send(stream);
    },
  );
}

function startOf(range: string | undefined): number {
  if (range === undefined) return 0;
  const start = RANGE.exec(range)?.[1];
  if (start === undefined) throw new AppError("invalid_request", "a range is bytes=N-");
  return Number(start);
}
