/** TPC-H as a bureau would publish it: customers, orders and lines are protected, parts and suppliers are public lists. */
import type { Declared } from "./products.ts";

const roles = (role: "public" | "dimension" | "measure" | "identifier", ...names: string[]): Declared["columns"] =>
  Object.fromEntries(names.map((name) => [name, [role]]));
const file = (name: string): string => `tpch_sf0.1/${name}.parquet`;

export const TPCH: Record<string, Declared> = {
  region: { file: file("region"), columns: roles("public", "r_regionkey", "r_name") },
  nation: { file: file("nation"), columns: roles("public", "n_nationkey", "n_name", "n_regionkey") },
  supplier: {
    file: file("supplier"),
    columns: {
      ...roles("public", "s_suppkey", "s_name", "s_nationkey", "s_address", "s_phone", "s_comment"),
      ...roles("measure", "s_acctbal"),
    },
  },
  part: {
    file: file("part"),
    columns: roles("public", "p_partkey", "p_name", "p_mfgr", "p_brand", "p_type", "p_size", "p_container"),
  },
  partsupp: {
    file: file("partsupp"),
    columns: { ...roles("public", "ps_partkey", "ps_suppkey"), ...roles("measure", "ps_availqty", "ps_supplycost") },
  },
  customer: {
    file: file("customer"),
    own: ["c_custkey"],
    columns: {
      ...roles("identifier", "c_name", "c_address", "c_phone", "c_comment"),
      ...roles("dimension", "c_nationkey", "c_mktsegment"),
      ...roles("measure", "c_acctbal"),
    },
  },
  orders: {
    file: file("orders"),
    own: ["o_custkey"],
    columns: {
      o_orderkey: ["identifier", "o_orderkey::UINTEGER"],
      ...roles("identifier", "o_comment"),
      ...roles("dimension", "o_orderstatus", "o_orderdate", "o_orderpriority", "o_shippriority"),
      ...roles("measure", "o_totalprice"),
    },
  },
  lineitem: {
    file: file("lineitem"),
    own: ["l_orderkey"],
    columns: {
      ...roles("dimension", "l_partkey", "l_suppkey", "l_returnflag", "l_linestatus", "l_shipinstruct", "l_shipmode"),
      ...roles("dimension", "l_shipdate", "l_commitdate", "l_receiptdate"),
      ...roles("measure", "l_quantity", "l_extendedprice", "l_discount", "l_tax"),
    },
  },
};

export const TPCH_JOINS = [
  ["region.r_regionkey", "nation.n_regionkey"],
  ["nation.n_nationkey", "supplier.s_nationkey"],
  ["nation.n_nationkey", "customer.c_nationkey"],
  ["supplier.s_nationkey", "customer.c_nationkey"],
  ["supplier.s_suppkey", "partsupp.ps_suppkey"],
  ["supplier.s_suppkey", "lineitem.l_suppkey"],
  ["part.p_partkey", "partsupp.ps_partkey"],
  ["part.p_partkey", "lineitem.l_partkey"],
  ["partsupp.ps_partkey", "lineitem.l_partkey"],
  ["partsupp.ps_suppkey", "lineitem.l_suppkey"],
  ["customer.c_custkey", "orders.o_custkey"],
  ["orders.o_orderkey", "lineitem.l_orderkey"],
].map(([left, right]) => ({ left: left!, right: right! }));
