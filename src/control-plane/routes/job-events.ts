import { Type } from "typebox";
import { type JobEvent, TERMINAL_STATES } from "#contract/job.ts";
import { getJob } from "#jobs/index.ts";
import { coarseInstant } from "#kernel/coarse-time.ts";
import { problemResponses } from "../problem-responses.ts";
import { type App, principalOf } from "../route.ts";
import type { Deployment } from "../deployment.ts";
import { ownOrganisation } from "../visibility.ts";

const KEEP_ALIVE_MS = 15_000;
const LOOK_EVERY_MS = 2_000;

/** `GET /v1/jobs/:id/events`: the job's states as server-sent events, the present one first, until its end. */
export function jobEventRoutes(app: App, deployment: Deployment): void {
  app.get(
    "/v1/jobs/:id/events",
    {
      config: { access: { roles: ["developer", "operator", "reviewer", "security"], audit: "read" } },
      schema: {
        operationId: "watchJob",
        summary: "States of a job as server-sent events",
        tags: ["jobs"],
        params: Type.Object({ id: Type.String({ maxLength: 64 }) }),
        response: {
          200: Type.Unsafe<ReadableStream>(Type.String({ description: "text/event-stream" })),
          ...problemResponses(404),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const organisation = ownOrganisation(principalOf(request));
      await getJob(deployment.db, id, organisation);
      const stream = openStream(deployment, { id, coarse: organisation !== undefined });
      reply.raw.once("close", stream.close);
      await look(deployment, id, stream);
      lookAgain(deployment, id, stream);
      return reply
        .type("text/event-stream")
        .header("cache-control", "no-store")
        .header("x-accel-buffering", "no")
        .send(stream.body);
    },
  );
}

async function look({ db, clock }: Deployment, id: string, stream: EventStream): Promise<void> {
  const { state } = await getJob(db, id);
  stream.send({ type: "state", state, at: new Date(clock.nowMs()).toISOString() });
}

/** What another replica did is told as a hint, which may get lost. */
function lookAgain(deployment: Deployment, id: string, stream: EventStream): void {
  const timer = setTimeout(() => {
    look(deployment, id, stream)
      .catch((error: unknown) => deployment.log.warn({ err: error, job: id }, "the state of a job could not be read"))
      .finally(() => stream.isOpen() && lookAgain(deployment, id, stream));
  }, LOOK_EVERY_MS);
  timer.unref();
}

interface EventStream {
  isOpen(): boolean;
  body: ReadableStream<Uint8Array>;
  send(event: JobEvent): void;
  close(): void;
}

function openStream({ signal }: Deployment, { id, coarse }: { id: string; coarse: boolean }): EventStream {
  const text = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let last: string | undefined;
  const close = () => {
    off();
    clearInterval(beat);
    controller?.close();
    controller = undefined;
  };
  const send = (event: JobEvent) => {
    if (!controller || (event.type === "state" && event.state === last)) return;
    if (event.type === "state") last = event.state;
    const told = coarse ? { ...event, at: coarseInstant(new Date(event.at)) } : event;
    controller.enqueue(text.encode(`event: ${event.type}\ndata: ${JSON.stringify(told)}\n\n`));
    if (event.state && TERMINAL_STATES.includes(event.state)) close();
  };
  const body = new ReadableStream<Uint8Array>({
    start: (opened) => {
      controller = opened;
    },
    cancel: () => {
      controller = undefined;
      close();
    },
  });
  const off = signal.onJob(id, send);
  const beat = setInterval(() => controller?.enqueue(text.encode(": alive\n\n")), KEEP_ALIVE_MS);
  beat.unref();
  return { isOpen: () => controller !== undefined, body, send, close };
}
