SELECT state, count(*) FROM mines WHERE year = 2015 GROUP BY 1 ORDER BY 2 DESC;
SELECT year, sum(employees) FROM mines GROUP BY 1 ORDER BY 1;
SELECT commodity, avg(hours) FROM mines GROUP BY 1;
SELECT year, sum(injuries) * 200000.0 / sum(hours) AS rate FROM mines GROUP BY 1;
SELECT kind, status, count(*) FROM mines GROUP BY 1, 2;
SELECT commodity, year, sum(injuries) FROM mines GROUP BY ALL;
SELECT year, commodity, sum(hours) * 100.0 / sum(sum(hours)) OVER (PARTITION BY year) AS share FROM mines GROUP BY 1, 2;
SELECT state, sum(employees) AS employees FROM mines WHERE commodity = 'Coal' GROUP BY 1 ORDER BY 2 DESC LIMIT 5;
SELECT CASE WHEN employees < 10 THEN 'small' WHEN employees < 100 THEN 'middle' ELSE 'large' END AS size, count(*) FROM mines GROUP BY 1;
WITH y AS (SELECT year, sum(hours) AS h FROM mines GROUP BY 1) SELECT a.year, a.h / b.h - 1 AS growth FROM y a JOIN y b ON a.year = b.year + 1;
SELECT kind, avg(employees), stddev(employees) FROM mines GROUP BY 1;
SELECT year, count(*) FILTER (WHERE injuries > 0) * 1.0 / count(*) AS with_injuries FROM mines GROUP BY 1;
SELECT kind, count(*) FROM mines GROUP BY ROLLUP (kind);
SELECT year, count(*), sum(income) FROM charities GROUP BY 1 ORDER BY 1;
SELECT grant_type, avg(costs) FROM charities GROUP BY 1;
SELECT status, count(*) FROM charities GROUP BY 1;
SELECT grant_type, year, sum(staff_costs) FROM charities GROUP BY ALL;
SELECT status, sum(income) - sum(costs) AS surplus FROM charities GROUP BY 1;
SELECT year, sum(staff_costs) / sum(costs) AS share FROM charities WHERE year >= 2012 GROUP BY 1
