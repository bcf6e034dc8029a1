import { fileURLToPath } from "node:url";
import { runDemo } from "./run-demo.ts";

const directory = fileURLToPath(new URL("../../build/demo", import.meta.url));
try {
  await runDemo({ directory, print: (text) => console.log(text) });
} catch (error) {
  console.error(`\nsluice demo: ${(error as Error).message}\n(server log: ${directory}/server.log)`);
  process.exitCode = 1;
}
