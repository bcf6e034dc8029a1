import type { BackupCreate, BackupView } from "#contract/backup.ts";
import type {
  ChoreView,
  DeliveryState,
  DeliveryView,
  WebhookSecret,
  WebhookSpec,
  WebhookView,
} from "#contract/webhook.ts";
import { eachItem, type PageOf, type PageOptions } from "../pages.ts";
import { type CallOptions, pathOf, readJson, type Send } from "../transport.ts";

export interface OperationCalls {
  list(): Promise<WebhookView[]>;
  /** Declares a webhook, or changes the address and events of one. */
  put(spec: WebhookSpec, options?: CallOptions): Promise<WebhookView>;
  pause(id: string): Promise<WebhookView>;
  resume(id: string): Promise<WebhookView>;
  remove(id: string): Promise<void>;
  /** The signing key; a new one with `rotate`. */
  secret(id: string, rotate?: boolean): Promise<WebhookSecret>;
  /** Those that did not succeed at once, newest first. */
  deliveries(id: string, options?: PageOptions & { state?: DeliveryState | undefined }): AsyncIterable<DeliveryView>;
  redeliver(id: string, entry: number): Promise<WebhookView>;
  chores(): Promise<ChoreView[]>;
  /** Lets the server write a backup below its own directory of backups; answers when it is whole. */
  backup(order: BackupCreate): Promise<BackupView>;
}

/** A backup of much takes long. */
const BACKUP_TIMEOUT_MS = 3_600_000;

export function operationCalls(send: Send): OperationCalls {
  const list = async <T>(path: string, query: object = {}): Promise<PageOf<T>> =>
    readJson(await send({ method: "GET", path, query: { ...query } }));
  const post = async <T>(path: string, body: object = {}, options?: CallOptions): Promise<T> =>
    readJson(await send({ method: "POST", path, body, options }));
  return {
    list: async () => (await list<WebhookView>("/v1/webhooks")).items,
    put: async (spec, options) => post("/v1/webhooks", spec, options),
    pause: async (id) => post(pathOf`/v1/webhooks/${id}/pause`),
    resume: async (id) => post(pathOf`/v1/webhooks/${id}/resume`),
    remove: async (id) => {
      await post(pathOf`/v1/webhooks/${id}/remove`);
    },
    secret: async (id, rotate = false) =>
      post(rotate ? pathOf`/v1/webhooks/${id}/rotate` : pathOf`/v1/webhooks/${id}/secret`),
    deliveries: (id, query) =>
      eachItem(async (at) => list(pathOf`/v1/webhooks/${id}/deliveries`, { ...query, ...at }), query),
    redeliver: async (id, entry) => post(pathOf`/v1/webhooks/${id}/deliveries/${String(entry)}/redeliver`),
    backup: async (order) => {
      const options = { timeoutMs: BACKUP_TIMEOUT_MS };
      return readJson(await send({ method: "POST", path: "/v1/backups", body: order, once: true, options }));
    },
    chores: async () => (await list<ChoreView>("/v1/chores")).items,
  };
}
