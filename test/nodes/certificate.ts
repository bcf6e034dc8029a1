/** A certificate that a test makes for itself. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";

/** What to say of a test that needs one; false where it can be made. */
export function skipOpenssl(): string | false {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return false;
  } catch {
    return "openssl is not installed";
  }
}

/** Signed by its own key, for these addresses. Answers two paths. */
export function makeCertificate(
  directory: string,
  addresses: readonly string[] = ["127.0.0.1"],
): { certificate: string; key: string } {
  const [certificate, key] = [join(directory, "cert.pem"), join(directory, "key.pem")];
  const subjects = addresses.map((address) => `IP:${address}`).join(",");
  const names = ["-subj", "/CN=sluice test", "-addext", `subjectAltName=${subjects}`];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  execFileSync("openssl", ["req", ...kind, ...names, "-keyout", key, "-out", certificate], { stdio: "ignore" });
  return { certificate, key };
}
