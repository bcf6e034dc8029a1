/** What the demonstration submits. */

export const BUSY_AIRPORTS = `SELECT origin, count(*) AS flights, avg(delay) AS mean_delay_minutes
FROM flights
GROUP BY origin
ORDER BY flights DESC
LIMIT 10`;

export const HEART_PATIENTS = `SELECT district, count(*) AS patients
FROM residents
WHERE disease = '冠心病'
GROUP BY district`;

export const ROW_DUMP = `SELECT name, id_card, disease, income
FROM residents
LIMIT 100`;

export const HIGHEST_INCOME = `SELECT district, max(income) AS highest
FROM residents
GROUP BY district`;

export const VISIT_RATES = `const residents = await sql\`
  SELECT district, count(*) AS people FROM residents GROUP BY district\`;
const visits = await sql\`
  SELECT r.district, count(*) AS visits
  FROM residents r JOIN visits v ON r.id = v.person_id GROUP BY r.district\`;

const people = new Map(residents.map((row) => [row.district, row.people]));
const rates = visits.map(({ district, visits }) => ({
  district,
  visits_per_100: Math.round((1000 * visits) / people.get(district)) / 10,
}));
rates.sort((a, b) => b.visits_per_100 - a.visits_per_100);
output.table("rates", rates);
console.log("districts:", rates.length);`;

export const AGE_GROUPS = `const rows = await sql\`
  SELECT birth_date, disease FROM residents WHERE disease = \${"高血压"}\`;

const groups = new Map();
for (const { birth_date } of rows) {
  const decade = String(birth_date).slice(0, 3) + "0s";
  groups.set(decade, (groups.get(decade) ?? 0) + 1);
}
const table = [...groups]
  .map(([born, patients]) => ({ born, patients }))
  .filter(({ patients }) => patients >= 10);
output.table("age_groups", table.sort((a, b) => (a.born < b.born ? -1 : 1)));`;

export const PATIENT_LIST = `const rows = await sql\`
  SELECT district, birth_date, disease, income FROM residents WHERE disease = \${"血友病"}\`;
output.table("patients", rows.map((row) => ({ ...row })));`;
