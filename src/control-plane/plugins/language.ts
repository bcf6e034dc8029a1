import { acceptedLanguage, inChinese } from "../language.ts";
import type { App } from "../route.ts";
import type { Deployment } from "../deployment.ts";

/** Findings and reasons leave in the language that the caller prefers; they are kept and compared in one. */
export function speakLanguages(app: App, deployment: Deployment): void {
  app.addHook("preSerialization", async (request, reply, payload) => {
    if (!request.url.startsWith("/v1/")) return payload;
    const language = acceptedLanguage(request.headers["accept-language"]);
    void reply.header("content-language", language).header("vary", "Accept-Language");
    return language === "zh" ? inChinese(payload, deployment.bundle.reasons) : payload;
  });
}
