import type { FastifyDynamicSwaggerOptions } from "@fastify/swagger";

/** The head of `/openapi.json`; the rest is generated from the routes' own schemas. */
export function describeApi(): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Sluice 数闸",
        version: "1",
        description: "Trusted data-space sandbox runtime: jobs come to public data, and only reviewed releases leave.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      security: [{ bearer: [] }],
      components: { securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } },
      tags: [
        { name: "jobs", description: "作业: submit, follow, cancel" },
        { name: "egress", description: "出域预审查: requests and reviews" },
        { name: "releases", description: "出域成果: reviewed releases and their content" },
        { name: "products", description: "数据产品" },
        { name: "scenarios", description: "授权运营场景" },
        { name: "filings", description: "备案" },
        { name: "security", description: "安全日志: events of the sandboxes, alarms, suspensions" },
        { name: "audit", description: "审计日志" },
        { name: "health", description: "运行状态" },
      ],
    },
  };
}
