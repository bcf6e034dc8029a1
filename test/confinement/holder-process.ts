/** A runner that is killed: starts a confined process that spins, says which processes there are, and waits. */
import { ConfinedProcess } from "../../src/runner/confined-process.ts";
import { type Confinement, descendantsOf } from "../../src/runner/confinement/index.ts";
import { PROBE } from "./look-process.ts";

const confinement = process.argv[2] as Confinement;
const inside = await ConfinedProcess.start({
  role: "isolate",
  readOnly: [],
  memoryBytes: 256 * 1024 * 1024,
  confinement,
  program: PROBE,
});
inside.send({ op: "do", deed: "spin" });
process.stdout.write(`${JSON.stringify(descendantsOf(process.pid))}\n`);
