/**
 * The 22 questions of the TPC-H benchmark in our own SQL, with the parameters of its validation run and the column
 * order of the published answers. Written from the questions' meaning; not a TPC query text.
 */
export const TPCH_QUERIES: readonly string[] = [
  // 1 pricing summary of what was shipped
  `SELECT l_returnflag, l_linestatus, sum(l_quantity), sum(l_extendedprice), sum(l_extendedprice * (1 - l_discount)),
     sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)), avg(l_quantity), avg(l_extendedprice), avg(l_discount), count(*)
   FROM lineitem WHERE l_shipdate <= DATE '1998-09-02' GROUP BY ALL ORDER BY 1, 2`,
  // 2 cheapest European supplier of brass parts of size 15
  `WITH offers AS (
     SELECT * FROM partsupp JOIN supplier ON s_suppkey = ps_suppkey JOIN nation ON n_nationkey = s_nationkey
       JOIN region ON r_regionkey = n_regionkey WHERE r_name = 'EUROPE'),
   cheapest AS (SELECT ps_partkey AS part, min(ps_supplycost) AS cost FROM offers GROUP BY ps_partkey)
   SELECT s_acctbal, s_name, n_name, p_partkey, p_mfgr, s_address, s_phone, s_comment
   FROM part JOIN offers ON ps_partkey = p_partkey JOIN cheapest ON part = p_partkey AND cost = ps_supplycost
   WHERE p_size = 15 AND p_type LIKE '%BRASS' ORDER BY s_acctbal DESC, n_name, s_name, p_partkey LIMIT 100`,
  // 3 unshipped orders of most value
  `SELECT l_orderkey, sum(l_extendedprice * (1 - l_discount)) AS revenue, o_orderdate, o_shippriority
   FROM customer JOIN orders ON o_custkey = c_custkey JOIN lineitem ON l_orderkey = o_orderkey
   WHERE c_mktsegment = 'BUILDING' AND o_orderdate < DATE '1995-03-15' AND l_shipdate > DATE '1995-03-15'
   GROUP BY l_orderkey, o_orderdate, o_shippriority ORDER BY revenue DESC, o_orderdate LIMIT 10`,
  // 4 orders of a quarter with a line that came late
  `SELECT o_orderpriority, count(*) FROM orders
   WHERE o_orderdate >= DATE '1993-07-01' AND o_orderdate < DATE '1993-10-01'
     AND o_orderkey IN (SELECT l_orderkey FROM lineitem WHERE l_receiptdate > l_commitdate)
   GROUP BY o_orderpriority ORDER BY o_orderpriority`,
  // 5 revenue through suppliers of the customer's own nation
  `SELECT n_name, sum(l_extendedprice * (1 - l_discount)) AS revenue
   FROM region JOIN nation ON n_regionkey = r_regionkey JOIN customer ON c_nationkey = n_nationkey
     JOIN orders ON o_custkey = c_custkey JOIN lineitem ON l_orderkey = o_orderkey
     JOIN supplier ON s_suppkey = l_suppkey AND s_nationkey = n_nationkey
   WHERE r_name = 'ASIA' AND o_orderdate >= DATE '1994-01-01' AND o_orderdate < DATE '1995-01-01'
   GROUP BY n_name ORDER BY revenue DESC`,
  // 6 what dropping a discount would have earned
  `SELECT sum(l_extendedprice * l_discount) FROM lineitem
   WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01' AND l_discount BETWEEN 0.05 AND 0.07
     AND l_quantity < 24`,
  // 7 trade between two nations by year
  `SELECT seller.n_name, buyer.n_name, year(l_shipdate), sum(l_extendedprice * (1 - l_discount))
   FROM lineitem JOIN supplier ON s_suppkey = l_suppkey JOIN orders ON o_orderkey = l_orderkey
     JOIN customer ON c_custkey = o_custkey JOIN nation seller ON seller.n_nationkey = s_nationkey
     JOIN nation buyer ON buyer.n_nationkey = c_nationkey
   WHERE l_shipdate BETWEEN DATE '1995-01-01' AND DATE '1996-12-31'
     AND ((seller.n_name = 'FRANCE' AND buyer.n_name = 'GERMANY') OR (seller.n_name = 'GERMANY' AND buyer.n_name = 'FRANCE'))
   GROUP BY ALL ORDER BY 1, 2, 3`,
  // 8 Brazil's share of a market
  `SELECT year(o_orderdate) AS o_year,
     sum(l_extendedprice * (1 - l_discount)) FILTER (seller.n_name = 'BRAZIL') / sum(l_extendedprice * (1 - l_discount))
   FROM part JOIN lineitem ON l_partkey = p_partkey JOIN supplier ON s_suppkey = l_suppkey
     JOIN orders ON o_orderkey = l_orderkey JOIN customer ON c_custkey = o_custkey
     JOIN nation buyer ON buyer.n_nationkey = c_nationkey JOIN region ON r_regionkey = buyer.n_regionkey
     JOIN nation seller ON seller.n_nationkey = s_nationkey
   WHERE r_name = 'AMERICA' AND o_orderdate BETWEEN DATE '1995-01-01' AND DATE '1996-12-31'
     AND p_type = 'ECONOMY ANODIZED STEEL' GROUP BY o_year ORDER BY o_year`,
  // 9 profit on green parts by nation and year
  `SELECT n_name, year(o_orderdate) AS o_year, sum(l_extendedprice * (1 - l_discount) - ps_supplycost * l_quantity)
   FROM part JOIN lineitem ON l_partkey = p_partkey JOIN supplier ON s_suppkey = l_suppkey
     JOIN partsupp ON ps_partkey = l_partkey AND ps_suppkey = l_suppkey JOIN orders ON o_orderkey = l_orderkey
     JOIN nation ON n_nationkey = s_nationkey
   WHERE p_name LIKE '%green%' GROUP BY n_name, o_year ORDER BY n_name, o_year DESC`,
  // 10 customers who sent back the most
  `SELECT c_custkey, c_name, sum(l_extendedprice * (1 - l_discount)) AS revenue, c_acctbal, n_name, c_address, c_phone,
     c_comment
   FROM customer JOIN orders ON o_custkey = c_custkey JOIN lineitem ON l_orderkey = o_orderkey
     JOIN nation ON n_nationkey = c_nationkey
   WHERE o_orderdate >= DATE '1993-10-01' AND o_orderdate < DATE '1994-01-01' AND l_returnflag = 'R'
   GROUP BY ALL ORDER BY revenue DESC LIMIT 20`,
  // 11 the parts that make up Germany's stock
  `WITH stock AS (
     SELECT ps_partkey, sum(ps_supplycost * ps_availqty) AS worth
     FROM partsupp JOIN supplier ON s_suppkey = ps_suppkey JOIN nation ON n_nationkey = s_nationkey
     WHERE n_name = 'GERMANY' GROUP BY ps_partkey)
   SELECT ps_partkey, worth FROM stock
   WHERE worth > (SELECT sum(worth) * 0.0001 FROM stock) ORDER BY worth DESC`,
  // 12 late lines by ship mode and urgency
  `SELECT l_shipmode, count(*) FILTER (o_orderpriority IN ('1-URGENT', '2-HIGH')),
     count(*) FILTER (o_orderpriority NOT IN ('1-URGENT', '2-HIGH'))
   FROM orders JOIN lineitem ON l_orderkey = o_orderkey
   WHERE l_shipmode IN ('MAIL', 'SHIP') AND l_commitdate < l_receiptdate AND l_shipdate < l_commitdate
     AND l_receiptdate >= DATE '1994-01-01' AND l_receiptdate < DATE '1995-01-01'
   GROUP BY l_shipmode ORDER BY l_shipmode`,
  // 13 how many customers have how many ordinary orders
  `WITH per_customer AS (
     SELECT c_custkey, count(o_orderkey) AS orders
     FROM customer LEFT JOIN orders ON o_custkey = c_custkey AND o_comment NOT LIKE '%special%requests%'
     GROUP BY c_custkey)
   SELECT orders, count(*) AS customers FROM per_customer GROUP BY orders ORDER BY customers DESC, orders DESC`,
  // 14 share of promoted parts in a month's revenue
  `SELECT 100.00 * sum(CASE WHEN p_type LIKE 'PROMO%' THEN l_extendedprice * (1 - l_discount) ELSE 0 END)
     / sum(l_extendedprice * (1 - l_discount))
   FROM lineitem JOIN part ON p_partkey = l_partkey
   WHERE l_shipdate >= DATE '1995-09-01' AND l_shipdate < DATE '1995-10-01'`,
  // 15 the supplier of a quarter with the most revenue
  `WITH quarter AS (
     SELECT l_suppkey, sum(l_extendedprice * (1 - l_discount)) AS revenue FROM lineitem
     WHERE l_shipdate >= DATE '1996-01-01' AND l_shipdate < DATE '1996-04-01' GROUP BY l_suppkey)
   SELECT s_suppkey, s_name, s_address, s_phone, revenue FROM supplier JOIN quarter ON l_suppkey = s_suppkey
   WHERE revenue = (SELECT max(revenue) FROM quarter) ORDER BY s_suppkey`,
  // 16 suppliers without complaints by kind of part
  `SELECT p_brand, p_type, p_size, count(DISTINCT ps_suppkey) AS suppliers FROM partsupp JOIN part ON p_partkey = ps_partkey
   WHERE p_brand <> 'Brand#45' AND p_type NOT LIKE 'MEDIUM POLISHED%' AND p_size IN (49, 14, 23, 45, 19, 3, 36, 9)
     AND ps_suppkey NOT IN (SELECT s_suppkey FROM supplier WHERE s_comment LIKE '%Customer%Complaints%')
   GROUP BY p_brand, p_type, p_size ORDER BY suppliers DESC, p_brand, p_type, p_size`,
  // 17 revenue lost without small orders
  `WITH usual AS (SELECT l_partkey AS part, 0.2 * avg(l_quantity) AS fifth FROM lineitem GROUP BY l_partkey)
   SELECT sum(l_extendedprice) / 7.0 FROM lineitem JOIN part ON p_partkey = l_partkey JOIN usual ON part = p_partkey
   WHERE p_brand = 'Brand#23' AND p_container = 'MED BOX' AND l_quantity < fifth`,
  // 18 customers with very large orders
  `WITH large AS (SELECT l_orderkey AS key FROM lineitem GROUP BY l_orderkey HAVING sum(l_quantity) > 300)
   SELECT c_name, c_custkey, o_orderkey, o_orderdate, o_totalprice, sum(l_quantity)
   FROM large JOIN orders ON o_orderkey = key JOIN customer ON c_custkey = o_custkey JOIN lineitem ON l_orderkey = key
   GROUP BY ALL ORDER BY o_totalprice DESC, o_orderdate LIMIT 100`,
  // 19 revenue of three kinds of hand-delivered parts
  `SELECT sum(l_extendedprice * (1 - l_discount)) FROM lineitem JOIN part ON p_partkey = l_partkey
   WHERE l_shipmode IN ('AIR', 'AIR REG') AND l_shipinstruct = 'DELIVER IN PERSON' AND (
     (p_brand = 'Brand#12' AND p_container IN ('SM CASE', 'SM BOX', 'SM PACK', 'SM PKG')
       AND l_quantity BETWEEN 1 AND 11 AND p_size BETWEEN 1 AND 5)
     OR (p_brand = 'Brand#23' AND p_container IN ('MED BAG', 'MED BOX', 'MED PKG', 'MED PACK')
       AND l_quantity BETWEEN 10 AND 20 AND p_size BETWEEN 1 AND 10)
     OR (p_brand = 'Brand#34' AND p_container IN ('LG CASE', 'LG BOX', 'LG PACK', 'LG PKG')
       AND l_quantity BETWEEN 20 AND 30 AND p_size BETWEEN 1 AND 15))`,
  // 20 Canadian suppliers with a surplus of forest parts
  `WITH shipped AS (
     SELECT l_partkey, l_suppkey, 0.5 * sum(l_quantity) AS half FROM lineitem
     WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01' GROUP BY l_partkey, l_suppkey)
   SELECT s_name, s_address FROM supplier JOIN nation ON n_nationkey = s_nationkey
   WHERE n_name = 'CANADA' AND s_suppkey IN (
     SELECT ps_suppkey FROM partsupp JOIN shipped ON l_partkey = ps_partkey AND l_suppkey = ps_suppkey
     WHERE ps_partkey IN (SELECT p_partkey FROM part WHERE p_name LIKE 'forest%') AND ps_availqty > half)
   ORDER BY s_name`,
  // 21 suppliers who alone kept an order waiting
  `WITH late AS (SELECT l_orderkey, l_suppkey FROM lineitem WHERE l_receiptdate > l_commitdate)
   SELECT s_name, count(*) AS waits
   FROM late mine JOIN orders ON o_orderkey = mine.l_orderkey JOIN supplier ON s_suppkey = mine.l_suppkey
     JOIN nation ON n_nationkey = s_nationkey
   WHERE o_orderstatus = 'F' AND n_name = 'SAUDI ARABIA'
     AND EXISTS (FROM lineitem other WHERE other.l_orderkey = mine.l_orderkey AND other.l_suppkey <> mine.l_suppkey)
     AND NOT EXISTS (FROM late other WHERE other.l_orderkey = mine.l_orderkey AND other.l_suppkey <> mine.l_suppkey)
   GROUP BY s_name ORDER BY waits DESC, s_name LIMIT 100`,
  // 22 well-funded customers of seven countries who never ordered
  `WITH candidates AS (
     SELECT c_phone[1:2] AS country, c_acctbal, c_custkey FROM customer
     WHERE c_phone[1:2] IN ('13', '31', '23', '29', '30', '18', '17'))
   SELECT country, count(*), sum(c_acctbal) FROM candidates
   WHERE c_acctbal > (SELECT avg(c_acctbal) FROM candidates WHERE c_acctbal > 0.00)
     AND NOT EXISTS (FROM orders WHERE o_custkey = c_custkey)
   GROUP BY country ORDER BY country`,
];
