/** What attackers write with subqueries, per-subject queries, outer joins and UNION ALL, and what it comes to (`form-attacks.test.ts`). */
export const FORM_ATTACKS: [outcome: string, sql: string][] = [
  [
    "hidden",
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND v.hospital = 'Hx')",
  ],
  [
    "blocked R19",
    "SELECT count(*) FROM residents r WHERE NOT EXISTS (FROM visits v WHERE v.person = r.person AND v.hospital = 'Hx')",
  ],
  ["hidden", "SELECT count(*) FROM residents WHERE person IN (SELECT person FROM visits WHERE hospital = 'Hx')"],
  [
    "blocked R19",
    "SELECT count(*) FROM residents WHERE person NOT IN (SELECT person FROM visits WHERE hospital = 'Hx')",
  ],
  [
    "blocked R19",
    "SELECT avg(income) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND v.hospital IN ('Hx', 'H1'))",
  ],
  [
    "hidden",
    "SELECT avg(income) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND v.hospital NOT IN ('H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'H7'))",
  ],
  [
    "blocked R19",
    "SELECT avg(income) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND (v.hospital = 'H1' OR v.hospital = 'Hx'))",
  ],
  [
    "blocked R19",
    "SELECT district, count(*), count(*) FILTER (WHERE NOT EXISTS (FROM visits v WHERE v.person = r.person AND hospital = 'Hx')) FROM residents r GROUP BY 1",
  ],
  [
    "hidden true",
    "SELECT EXISTS (FROM visits v WHERE v.person = r.person AND v.hospital = 'Hx') AS e, count(*), avg(income) FROM residents r GROUP BY 1",
  ],
  [
    "hidden x",
    "SELECT CASE WHEN EXISTS (FROM visits v WHERE v.person = r.person AND v.hospital = 'Hx') THEN 'x' ELSE 'rest' END AS e, sum(income) FROM residents r GROUP BY 1",
  ],
  [
    "hidden",
    "SELECT count(*) FROM residents SEMI JOIN (SELECT person FROM visits WHERE hospital = 'Hx') v USING (person)",
  ],
  [
    "blocked R19",
    "SELECT count(*) FROM residents ANTI JOIN (SELECT person FROM visits WHERE hospital = 'Hx') v USING (person)",
  ],
  [
    "hidden Hx",
    "SELECT hospital, count(*) FROM visits v WHERE EXISTS (FROM residents r WHERE r.person = v.person AND r.district = 'Islet') GROUP BY 1",
  ],
  [
    "blocked R19",
    "SELECT sum(cost) FROM visits v WHERE person NOT IN (SELECT person FROM residents WHERE district = 'Islet')",
  ],
  [
    "blocked R19",
    "SELECT sum(cost) FROM visits v WHERE EXISTS (FROM residents r WHERE r.person = v.person AND r.district <> 'Islet')",
  ],
  [
    "hidden",
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND EXISTS (FROM residents s WHERE s.person = v.person AND s.district = 'Islet'))",
  ],
  [
    "blocked R19",
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND NOT EXISTS (FROM residents s WHERE s.person = v.person AND s.district = 'Islet'))",
  ],
  [
    "blocked R19",
    "SELECT count(*) FROM residents r WHERE sex = 'f' AND EXISTS (FROM visits v WHERE v.person = r.person AND NOT EXISTS (FROM visits w WHERE w.person = v.person AND w.hospital = 'Hx'))",
  ],
  [
    "hidden",
    "SELECT count(*) FROM residents r WHERE district IN (SELECT district FROM districts WHERE district = 'Islet')",
  ],
  [
    "blocked R19",
    "SELECT sum(tax) FROM residents r WHERE district NOT IN (SELECT district FROM districts WHERE district = 'Islet')",
  ],
  [
    "blocked R19",
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM districts d WHERE d.district = r.district AND d.district <> 'Islet')",
  ],
  ["hidden", "SELECT avg(n) FROM (SELECT person, count(*) AS n FROM visits WHERE hospital = 'Hx' GROUP BY 1)"],
  [
    "blocked R19 R3",
    "SELECT avg(n), count(*) FROM (SELECT person, count(*) AS n FROM visits WHERE hospital <> 'Hx' GROUP BY 1)",
  ],
  ["hidden 23", "SELECT n, count(*) FROM (SELECT person, count(*) AS n FROM visits GROUP BY 1) GROUP BY 1"],
  [
    "blocked R19",
    "SELECT sum(t) FROM (SELECT person, sum(cost) AS t, count(*) AS n FROM visits GROUP BY 1) WHERE n <> 23",
  ],
  ["hidden", "SELECT sum(t) FROM (SELECT person, sum(cost) AS t FROM visits GROUP BY 1 HAVING count(*) = 23)"],
  [
    "blocked R3",
    "SELECT CASE WHEN n < 20 THEN 'few' ELSE 'many' END AS c, avg(n) FROM (SELECT person, count(*) AS n FROM visits GROUP BY 1) GROUP BY 1",
  ],
  ["hidden true", "SELECT n > 20, count(*) FROM (SELECT person, count(*) AS n FROM visits GROUP BY 1) GROUP BY 1"],
  [
    "hidden 2025-01-20",
    "SELECT last, count(*) FROM (SELECT person, max(day) AS last FROM visits GROUP BY 1) GROUP BY 1 ORDER BY 1 DESC LIMIT 1",
  ],
  [
    "hidden",
    "SELECT avg(m) FROM (SELECT person, max(cost) AS m FROM visits WHERE person IN (SELECT person FROM residents WHERE district = 'Islet') GROUP BY 1)",
  ],
  [
    "hidden Islet",
    "SELECT r.district, avg(u.t) FROM residents r JOIN (SELECT person, sum(cost) AS t FROM visits GROUP BY 1) u USING (person) GROUP BY 1",
  ],
  [
    "blocked R19",
    "SELECT avg(u.t) FROM residents r JOIN (SELECT person, sum(cost) AS t FROM visits GROUP BY 1) u USING (person) WHERE r.district <> 'Islet'",
  ],
  ["hidden", "SELECT count(*) FROM (SELECT person, count(DISTINCT hospital) AS h FROM visits GROUP BY 1) WHERE h > 7"],
  [
    "blocked R19",
    "SELECT sum(t) FROM (SELECT v.person, sum(cost) AS t FROM visits v JOIN residents r ON r.person = v.person WHERE r.district <> 'Islet' GROUP BY 1)",
  ],
  [
    "blocked R19 R3",
    "SELECT avg(t) FROM (SELECT person, max(n) AS t FROM (SELECT person, hospital, count(*) AS n FROM visits WHERE hospital <> 'Hx' GROUP BY 1, 2) GROUP BY 1)",
  ],
  ["blocked R19", "SELECT count(*) FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.hospital = 'Hx'"],
  [
    "blocked R19",
    "SELECT count(v.visit), count(*) FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.hospital <> 'Hx'",
  ],
  [
    "blocked R19",
    "SELECT count(*) FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.hospital = 'Hx' WHERE v.person IS NOT NULL",
  ],
  [
    "blocked R19",
    "SELECT avg(income) FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.hospital = 'Hx' WHERE v.person IS NULL",
  ],
  [
    "hidden Hx",
    "SELECT hospital, count(*), avg(income) FROM residents r LEFT JOIN visits v ON v.person = r.person GROUP BY 1",
  ],
  [
    "blocked R19",
    "SELECT district, count(*), sum(u.n), avg(u.n) FROM residents r LEFT JOIN (SELECT person, count(*) AS n FROM visits WHERE hospital = 'Hx' GROUP BY 1) u ON u.person = r.person GROUP BY 1",
  ],
  [
    "blocked R19",
    "SELECT n, count(*) FROM (SELECT r.person, count(v.visit) AS n FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.hospital = 'Hx' GROUP BY 1) GROUP BY 1",
  ],
  [
    "blocked R19",
    "SELECT avg(x) FROM (SELECT cost AS x FROM visits WHERE hospital = 'Hx' UNION ALL SELECT income FROM residents)",
  ],
  [
    "blocked R19",
    "SELECT avg(x) FROM (SELECT cost AS x FROM visits UNION ALL SELECT income FROM residents WHERE district = 'Islet')",
  ],
  [
    "blocked R19",
    "SELECT avg(x) FROM (SELECT cost AS x FROM visits UNION ALL SELECT income FROM residents WHERE district <> 'Islet')",
  ],
  [
    "blocked R19",
    "SELECT src, sum(x) FROM (SELECT 'v' AS src, cost AS x FROM visits UNION ALL SELECT 'r', income FROM residents WHERE district = 'Islet') GROUP BY 1",
  ],
  [
    "hidden Islet",
    "SELECT place, sum(x) FROM (SELECT hospital AS place, cost AS x FROM visits UNION ALL SELECT district, income FROM residents) GROUP BY 1",
  ],
  [
    "blocked R19",
    "SELECT sum(x) FILTER (WHERE place <> 'Hx'), sum(x) FROM (SELECT hospital AS place, cost AS x FROM visits UNION ALL SELECT district, income FROM residents)",
  ],
  [
    "hidden",
    "SELECT sum(r.income) FROM residents r JOIN (SELECT DISTINCT person, hospital FROM visits WHERE hospital = 'Hx') v USING (person)",
  ],
  [
    "hidden upper",
    "SELECT d.region, count(r.person) FROM districts d LEFT JOIN (SELECT * FROM residents WHERE district = 'Islet') r ON r.district = d.district GROUP BY 1",
  ],
  [
    "refused rows_not_aggregated",
    "SELECT d.district FROM districts d WHERE EXISTS (FROM residents r WHERE r.district = d.district AND r.disease = 'HIV')",
  ],
  [
    "blocked R19",
    "SELECT count(*), sum(d.area) FROM districts d WHERE d.district IN (SELECT district FROM residents WHERE income >= 90000)",
  ],
  [
    "blocked R19",
    "SELECT d.district, count(*) FROM districts d WHERE EXISTS (FROM residents r WHERE r.district = d.district AND r.disease = 'HIV') GROUP BY 1",
  ],
  [
    "blocked R19",
    "SELECT count(*) FROM residents r WHERE r.person NOT IN (SELECT person FROM visits WHERE hospital = 'nobody')",
  ],
  [
    "blocked R19",
    "SELECT count(*) FROM residents r WHERE sex = 'f' OR r.person NOT IN (SELECT person FROM visits WHERE hospital = 'nobody')",
  ],
  [
    "blocked R19",
    "SELECT person NOT IN (SELECT person FROM visits WHERE hospital = 'nobody') AS k, count(*) FROM residents r GROUP BY 1",
  ],
  [
    "refused subquery_refused",
    "SELECT avg(m) FROM (SELECT person, max(cost) AS m FROM visits WHERE person NOT IN (SELECT person FROM residents WHERE district = 'Islet') GROUP BY 1)",
  ],
  [
    "blocked R19",
    "SELECT avg(m) FROM (SELECT person, max(cost) AS m FROM visits v WHERE NOT EXISTS (FROM residents r WHERE r.person = v.person AND r.district = 'Islet') GROUP BY 1)",
  ],
  [
    "blocked R19",
    "SELECT sum(t), avg(t), count(*) FROM (SELECT r.person, sum(v.cost) AS t FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.hospital = 'Hx' GROUP BY 1)",
  ],
  [
    "blocked R19",
    "SELECT sum(income), sum(income) FILTER (WHERE n >= 1) FROM residents r JOIN (SELECT person, count(*) AS n FROM visits WHERE hospital <> 'Hx' GROUP BY 1) u USING (person)",
  ],
  [
    "blocked R19",
    "SELECT count(*) FROM (SELECT person, count(*) AS n FROM visits GROUP BY 1) u WHERE NOT EXISTS (FROM residents r WHERE r.person = u.person AND r.district = 'Islet')",
  ],
  [
    "blocked R19 R3",
    "SELECT avg(n) FROM (SELECT v.person, count(*) AS n FROM visits v JOIN (SELECT person, count(*) AS k FROM residents WHERE district <> 'Islet' GROUP BY 1) u USING (person) GROUP BY 1)",
  ],
  [
    "blocked R19",
    "SELECT count(DISTINCT v.person), count(*) FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.hospital = 'Hx'",
  ],
  [
    "refused subquery_refused",
    "SELECT count(*) FROM residents r WHERE (SELECT max(cost) FROM visits v WHERE v.person = r.person) > 9000",
  ],
  ["refused aggregate_refused", "SELECT max(t) FROM (SELECT person, sum(cost) AS t FROM visits GROUP BY 1)"],
  [
    "refused rows_not_aggregated",
    "SELECT person, t FROM (SELECT person, sum(cost) AS t FROM visits GROUP BY 1) ORDER BY t DESC LIMIT 1",
  ],
  [
    "refused rows_not_aggregated",
    "SELECT sum(t) FROM (SELECT person, sum(cost) AS t FROM visits GROUP BY 1 ORDER BY t DESC LIMIT 1)",
  ],
  [
    "refused predicate_identifies",
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND v.person = 5)",
  ],
  [
    "refused aggregate_argument_refused",
    "SELECT sum(t) FROM (SELECT person, sum(cost * cost) AS t FROM visits GROUP BY 1)",
  ],
  [
    "refused unit_refused",
    "SELECT sum(f) FROM (SELECT person, sum(CASE WHEN hospital = 'Hx' THEN 0 ELSE cost END) AS f FROM visits GROUP BY 1)",
  ],
  ["refused key_refused", "SELECT name, count(*) FROM residents r SEMI JOIN visits v USING (person) GROUP BY 1"],
  ["blocked R19", "SELECT count(*) FROM visits WHERE person IS NOT NULL"],
  [
    "blocked R19 R3",
    "SELECT avg(n) FROM (SELECT person, count(*) AS n FROM visits WHERE person IS NOT NULL GROUP BY 1)",
  ],
];
