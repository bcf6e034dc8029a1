/**
 * The demonstration: an invented city with the shape of Wenzhou, its space file, and a script that shows the whole
 * path from a submitted query to a release. Everything in it is made from a seed; no person or enterprise of it
 * exists. It talks to the server over HTTP like anybody else and must never import server code.
 */
export { enterprises, type Enterprise } from "./enterprises.ts";
export { creditCode, idCard } from "./identifiers.ts";
export { residents, type Resident } from "./residents.ts";
export { visits, type Visit } from "./visits.ts";
export { writeDemoSpace, type DemoSize } from "./write-data.ts";
