/** One thing that `sluice doctor` looked at. `fail` stops a server from starting; `warn` is a shortcut or a weaker protection. */
export interface DoctorCheck {
  name: string;
  state: "ok" | "warn" | "fail";
  detail: string;
}
