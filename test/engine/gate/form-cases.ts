import { refused, safe, type GateCase } from "./case.ts";

/** Subqueries, per-subject queries and outer joins. */
export const ACCEPTED_FORMS: GateCase[] = [
  safe("SELECT count(*) FROM residents WHERE person IN (SELECT person FROM visits)"),
  safe(
    "SELECT count(*) FROM residents r WHERE EXISTS (SELECT 1 FROM visits v WHERE v.person = r.person AND v.cost > 9000)",
  ),
  safe(
    "SELECT district, avg(income) FROM residents r WHERE NOT EXISTS (FROM visits v WHERE v.person = r.person AND v.cost > 9000 AND hospital IN ('H1', 'H2')) GROUP BY 1",
  ),
  safe("SELECT count(*), sum(income) FROM residents WHERE person NOT IN (SELECT person FROM visits WHERE cost > 9000)"),
  safe("SELECT count(*) FROM residents SEMI JOIN visits USING (person)"),
  safe("SELECT sex, count(*) FROM residents r ANTI JOIN visits v ON r.person = v.person AND v.cost > 9000 GROUP BY 1"),
  safe("SELECT count(*) FROM residents WHERE district IN (SELECT district FROM districts WHERE region = 'upper')"),
  safe(
    "SELECT count(*) FROM residents WHERE sex = 'f' OR district NOT IN (SELECT district FROM districts WHERE region = 'upper')",
  ),
  safe(
    "SELECT district, count(*), count(*) FILTER (WHERE EXISTS (FROM visits v WHERE v.person = r.person AND cost > 5000)) FROM residents r GROUP BY 1",
  ),
  safe(
    "SELECT EXISTS (FROM visits v WHERE v.person = r.person AND v.cost > 9000) AS dear, count(*) FROM residents r GROUP BY 1",
  ),
  safe(
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM visits v JOIN residents b ON b.person = v.person WHERE v.person = r.person AND EXISTS (FROM districts d WHERE d.district = b.district AND d.region = 'upper'))",
  ),
  safe(
    "SELECT hospital, count(*) FROM visits v WHERE EXISTS (FROM visits w WHERE w.person = v.person AND w.hospital = 'H1') GROUP BY 1",
  ),
  safe(
    "SELECT region FROM districts WHERE district IN (SELECT district FROM residents GROUP BY 1 HAVING count(*) > 20)",
  ),
  safe(
    "SELECT r.district, avg(total), count(*) FROM residents r JOIN (SELECT person, sum(cost) AS total FROM visits GROUP BY person) USING (person) GROUP BY 1",
  ),
  safe("SELECT n, count(*) FROM (SELECT person, count(*) AS n FROM visits WHERE cost > 5000 GROUP BY 1) GROUP BY n"),
  safe(
    "SELECT CASE WHEN total < 5000 THEN 'low' ELSE 'high' END AS class, count(*), avg(n) FROM (SELECT person, count(*) AS n, sum(cost) AS total FROM visits WHERE day >= '2024-03-01' GROUP BY 1 HAVING count(*) > 1 AND sum(cost) < 20000) GROUP BY 1",
  ),
  safe(
    "SELECT CASE WHEN n >= 3 THEN '3+' ELSE n::VARCHAR END AS visits, count(*) FROM (SELECT person, count(*) AS n FROM visits WHERE cost > 2000 GROUP BY 1) GROUP BY 1",
  ),
  safe(
    "WITH u AS (SELECT v.person, r.district, avg(income) AS m, max(day) AS last, count(DISTINCT hospital) AS h FROM visits v JOIN residents r ON r.person = v.person WHERE cost > 2000 GROUP BY ALL) SELECT district, avg(m), avg(h), count(*) FILTER (WHERE h > 1) AS several FROM u WHERE month(last) > 3 GROUP BY 1",
  ),
  safe("SELECT avg(m), stddev(m) FROM (SELECT person, max(cost) AS m FROM visits GROUP BY 1)"),
  safe(
    "SELECT district, sum(income / 7), count(DISTINCT person) FROM (SELECT person, district, avg(income) AS income FROM residents GROUP BY ALL) GROUP BY 1",
  ),
  safe(
    "SELECT avg(n) FROM (SELECT person, max(n) AS n FROM (SELECT person, month(day), count(*) AS n FROM visits GROUP BY 1, 2) GROUP BY 1)",
  ),
  safe("SELECT hospital, count(*) FROM (SELECT DISTINCT person, hospital FROM visits) GROUP BY 1"),
  safe(
    "SELECT avg(income) FROM residents WHERE person IN (SELECT person FROM visits GROUP BY person HAVING sum(cost) > 15000)",
  ),
  safe(
    "SELECT r.district, count(v.visit), count(*), sum(v.cost), avg(r.income) FROM residents r LEFT JOIN (SELECT * FROM visits WHERE cost > 9000) v ON r.person = v.person GROUP BY 1",
  ),
  safe(
    "SELECT r.district, count(*) FROM visits v RIGHT JOIN residents r ON r.person = v.person AND v.cost > 9000 WHERE v.person IS NULL GROUP BY 1",
  ),
  safe(
    "SELECT hospital, count(*), count(DISTINCT r.person) FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.cost > 9000 GROUP BY 1",
  ),
  safe("SELECT count(DISTINCT v.person) FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.cost > 9000"),
  safe(
    "SELECT n, count(*) FROM (SELECT r.person, count(v.visit) AS n FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.cost > 5000 GROUP BY 1) GROUP BY 1",
  ),
  safe(
    "SELECT r.district, avg(u.n), count(*), count(u.n) FROM residents r LEFT JOIN (SELECT person, count(*) AS n FROM visits WHERE cost > 7000 GROUP BY 1) u ON u.person = r.person GROUP BY 1",
  ),
  safe(
    "SELECT region, count(*), count(region) FROM residents r LEFT JOIN (SELECT * FROM districts WHERE area > 5) d ON d.district = r.district GROUP BY 1",
  ),
  safe(
    "SELECT count(*), count(DISTINCT person), avg(x) FROM (SELECT person, cost AS x FROM visits UNION ALL SELECT person, income FROM residents)",
  ),
  safe(
    "SELECT src, count(*), sum(x), count(DISTINCT p) FROM (SELECT 'v' AS src, person AS p, cost AS x FROM visits WHERE hospital <> 'H3' UNION ALL SELECT 'r', person, income FROM residents) GROUP BY 1",
  ),
  safe(
    "SELECT place, avg(x) FROM (SELECT hospital AS place, cost AS x FROM visits UNION ALL SELECT district, tax FROM residents) GROUP BY 1",
  ),
  safe(
    "SELECT avg(t), stddev(t) FROM (SELECT p, sum(x) AS t FROM (SELECT person AS p, cost AS x FROM visits UNION ALL SELECT person, income FROM residents) GROUP BY 1)",
  ),
  safe(
    "SELECT d.region, count(r.person), avg(r.income) FROM districts d LEFT JOIN residents r ON r.district = d.district GROUP BY 1",
  ),
  safe(
    "SELECT hospital, count(*), avg(cost) FROM visits v JOIN (SELECT person, count(*) AS n FROM visits GROUP BY 1) u ON u.person = v.person WHERE u.n >= 2 AND v.hospital <> 'H1' GROUP BY 1",
  ),
  safe("SELECT count(*) FROM residents WHERE age >= (SELECT 60)"),
  safe(
    "SELECT sex, count(*), avg(income) FROM residents r WHERE r.district <> (SELECT max(district) FROM districts WHERE region = 'upper') GROUP BY 1",
  ),
  safe(
    "SELECT r.district, count(*) FROM residents r, visits v WHERE v.person = r.person AND r.district > (SELECT min(district) FROM districts) GROUP BY 1",
  ),
  safe("WITH p AS (SELECT 20000 AS low) SELECT count(*) FROM residents, p WHERE income >= low"),
  safe(
    "SELECT avg(m), count(*) FROM (SELECT person, max(cost) AS m FROM visits WHERE person IN (SELECT person FROM residents WHERE district = 'North') GROUP BY 1)",
  ),
  safe(
    "SELECT count(*) FROM residents WHERE person NOT IN (SELECT person FROM visits WHERE person IS NOT NULL AND cost > 9000)",
  ),
];

export const REFUSED_FORMS: GateCase[] = [
  refused("SELECT person, sum(cost) FROM visits GROUP BY person", "rows_not_aggregated"),
  refused(
    "SELECT person, n FROM (SELECT person, count(*) AS n FROM visits GROUP BY 1) WHERE n > 5",
    "rows_not_aggregated",
  ),
  refused("SELECT max(n) FROM (SELECT person, count(*) AS n FROM visits GROUP BY 1)", "aggregate_refused", "max"),
  refused(
    "SELECT total, count(*) FROM (SELECT person, sum(cost) AS total FROM visits GROUP BY 1) GROUP BY 1",
    "key_refused",
  ),
  refused(
    "SELECT count(*) FROM (SELECT person, sum(cost) AS t FROM visits GROUP BY 1) WHERE t > 1234",
    "cut_point_unaligned",
  ),
  refused(
    "SELECT count(*) FROM (SELECT person, count(*) AS n FROM visits GROUP BY 1) WHERE person = 5",
    "predicate_identifies",
  ),
  refused(
    "SELECT avg(n) FROM (SELECT person, count(*) FILTER (WHERE cost > 100) AS n FROM visits GROUP BY 1)",
    "unit_refused",
  ),
  refused(
    "SELECT avg(n) FROM (SELECT person, sum(CASE WHEN hospital = 'H1' THEN cost END) AS n FROM visits GROUP BY 1)",
    "unit_refused",
  ),
  refused("SELECT avg(n) FROM (SELECT person, median(cost) AS n FROM visits GROUP BY 1)", "unit_refused", "median"),
  refused(
    "SELECT avg(n), avg(m) FROM (SELECT person, count(*) AS n, count(cost) AS m FROM visits GROUP BY 1)",
    "unit_refused",
  ),
  refused("SELECT count(*) FROM (SELECT person, min(birth) AS b FROM residents GROUP BY 1)", "unit_refused", "min"),
  refused(
    "SELECT sum(a.n), sum(b.n) FROM (SELECT person, count(*) AS n FROM visits GROUP BY 1) a JOIN (SELECT person, count(*) AS n FROM visits WHERE hospital <> 'H1' GROUP BY 1) b USING (person)",
    "unit_refused",
  ),
  refused(
    "SELECT sum(cost), sum(n) FROM visits v JOIN (SELECT person, sum(cost) AS n FROM visits WHERE hospital <> 'H1' GROUP BY 1) u ON u.person = v.person",
    "unit_refused",
  ),
  refused(
    "SELECT sum((1 - n) * income) FROM residents r JOIN (SELECT person, count(*) AS n FROM visits GROUP BY 1) u ON u.person = r.person",
    "aggregate_argument_refused",
  ),
  refused(
    "SELECT count(*) FROM residents WHERE EXISTS (SELECT 1 FROM visits WHERE cost > 9000)",
    "subquery_refused",
    "EXISTS",
  ),
  refused(
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person <> r.person)",
    "subquery_refused",
    "<> r.person",
  ),
  refused(
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND v.hospital = r.district)",
    "join_not_allowed",
  ),
  refused(
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM residents s WHERE s.district = r.district)",
    "join_not_allowed",
  ),
  refused(
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND v.visit = 7)",
    "predicate_identifies",
    "= 7",
  ),
  refused(
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND v.cost > 1234)",
    "cut_point_unaligned",
  ),
  refused(
    "SELECT count(*) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND r.person = 5)",
    "subquery_refused",
  ),
  refused("SELECT count(*) FROM residents r WHERE name IN (SELECT hospital FROM visits)", "join_not_allowed"),
  refused("SELECT count(*) FROM residents r WHERE name IN (SELECT region FROM districts)", "join_not_allowed"),
  refused(
    "SELECT count(*) FROM residents r WHERE person IN (SELECT person FROM visits v WHERE v.hospital = r.district)",
    "subquery_refused",
  ),
  refused(
    "SELECT count(*) FROM residents WHERE (district, sex) IN (SELECT district, region FROM districts)",
    "subquery_refused",
  ),
  refused("SELECT count(*) FROM residents WHERE income > ANY (SELECT area FROM districts)", "subquery_refused"),
  refused(
    "SELECT count(*) FROM residents WHERE district IN (SELECT district FROM residents GROUP BY 1 HAVING count(*) > 9)",
    "reentry_refused",
  ),
  refused(
    `SELECT count(*) FROM residents r WHERE EXISTS (FROM visits v WHERE v.person = r.person AND hospital IN (${Array.from({ length: 17 }, (_, i) => `'H${i}'`).join(", ")}))`,
    "predicate_too_complex",
  ),
  refused("SELECT count(*) FROM residents r FULL JOIN visits v ON r.person = v.person", "join_form_refused"),
  refused(
    "SELECT avg(CASE WHEN r.sex = 'f' THEN v.cost ELSE 0 END) FROM residents r LEFT JOIN visits v ON v.person = r.person",
    "aggregate_argument_refused",
  ),
  refused(
    "SELECT count(*) FROM residents r LEFT JOIN visits v ON v.person = r.person AND v.visit = 7",
    "predicate_identifies",
  ),
  refused("SELECT count(*) FROM residents r LEFT JOIN visits v ON v.hospital = r.district", "join_not_allowed"),
  refused(
    "SELECT count(*) FROM residents r LEFT JOIN visits v ON v.person = r.person WHERE v.person = 5",
    "predicate_identifies",
  ),
  refused(
    "SELECT v.visit, count(*) FROM residents r LEFT JOIN visits v ON v.person = r.person GROUP BY 1",
    "key_refused",
  ),
  refused("SELECT sum(x) FROM (SELECT income AS x FROM residents UNION ALL SELECT 5)", "reentry_refused"),
  refused(
    "SELECT sum(x) FROM (SELECT person, income AS x FROM residents UNION ALL SELECT person, 5 FROM visits)",
    "set_operation_refused",
  ),
  refused(
    "SELECT sum(x) FROM (SELECT person, income AS x FROM residents UNION ALL SELECT person, visit FROM visits)",
    "set_operation_refused",
  ),
  refused(
    "SELECT sum(x), sum(y) FROM (SELECT income AS x, income AS y FROM residents UNION ALL SELECT cost, cost FROM visits)",
    "set_operation_refused",
  ),
  refused(
    "SELECT sum(x), sum(y) FROM (SELECT income AS x, tax AS y FROM residents UNION ALL SELECT tax, income FROM residents WHERE district <> 'Islet')",
    "unit_refused",
  ),
  refused(
    "SELECT name, count(*) FROM (SELECT name FROM residents UNION ALL SELECT hospital FROM visits) GROUP BY 1",
    "key_refused",
  ),
  refused(
    "SELECT count(*) FROM (SELECT district FROM residents UNION ALL SELECT region FROM districts)",
    "set_operation_refused",
  ),
  refused(
    "SELECT count(*) FROM (SELECT person FROM residents INTERSECT SELECT person FROM visits)",
    "set_operation_refused",
  ),
  refused(
    "SELECT x FROM (SELECT income AS x FROM residents UNION ALL SELECT tax FROM residents)",
    "rows_not_aggregated",
  ),
  refused(
    "SELECT sum(v.cost), sum(u.t) FROM visits v JOIN (SELECT person, sum(cost) AS t FROM visits GROUP BY 1) u ON u.person = v.person WHERE v.hospital <> 'H1'",
    "unit_refused",
  ),
  refused(
    "SELECT avg(a), avg(b) FROM (SELECT v.person, sum(v.cost) AS a, max(u.t) AS b FROM visits v JOIN (SELECT person, sum(cost) AS t FROM visits GROUP BY 1) u ON u.person = v.person GROUP BY 1)",
    "unit_refused",
  ),
  refused(
    "SELECT count(*) FROM residents WHERE income > (SELECT avg(area) FROM districts)",
    "predicate_form",
    "> (SELECT avg",
  ),
  refused("SELECT count(*) FROM residents WHERE income > (SELECT 12345)", "cut_point_unaligned"),
  refused("SELECT count(*) FROM residents WHERE age > (SELECT max(age) FROM residents)", "aggregate_refused", "max"),
  refused("SELECT avg((SELECT count(*) FROM visits v WHERE v.person = r.person)) FROM residents r", "subquery_refused"),
  refused(
    "SELECT avg(m) FROM (SELECT person, max(cost) AS m FROM visits WHERE person NOT IN (SELECT person FROM residents WHERE sex = 'f') GROUP BY 1)",
    "subquery_refused",
  ),
  refused("SELECT count(*) FROM visits WHERE person IS NULL", "predicate_identifies", "IS NULL"),
];
