import { formatDoctor } from "../print/doctor.ts";
import type { CommandBody } from "../terminal.ts";

export interface DoctorOptions {
  development?: boolean;
  data?: string;
}

/** Exit status 1 when a server with this configuration would not start. */
export const doctorCommand: CommandBody<DoctorOptions> = async ({ terminal, options }) => {
  const { readConfig } = await import("#config/index.ts");
  const config = readConfig(terminal.env, { development: options.development, dataDirectory: options.data });
  const report = await terminal.host.runDoctor(config);
  return {
    status: report.checks.some(({ state }) => state === "fail") ? 1 : 0,
    json: () => report,
    text: () => formatDoctor(report.checks),
  };
};
