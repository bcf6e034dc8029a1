/** Jobs for machines: one that is over at once, and one under which something can be done to its machine. */

export const JOB = {
  scenario: "clinic-access",
  image: "sql@1",
  sql: "select district, count(*) as n from people group by district",
};
/** Some seconds without just-in-time compilation. */
const LONG = "let x = 0; for (let i = 0; i < 6e7; i++) x += i; const r = await sql`select count(*) as n from people`;";
export const LONG_JOB = {
  scenario: "clinic-access",
  image: "javascript@1",
  script: `${LONG} output.json("n", r[0].n);`,
};
