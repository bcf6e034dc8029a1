/** The data sets of ../shared/data as data products: what a bureau would declare about each column. */
import { fileURLToPath } from "node:url";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { EngineOpen, MountedProduct } from "#contract/engine.ts";
import type { ColumnRole } from "#contract/product.ts";
import { EngineSession } from "#engine/index.ts";
import { TPCH, TPCH_JOINS } from "./tpch.ts";

export const DATA: string = fileURLToPath(new URL("../../../../shared/data/", import.meta.url));

export interface Declared {
  file: string;
  /** Column (or expression) that tells subjects apart. */
  subject?: string;
  key?: string;
  /** The subject key is a number of this name already. */
  own?: [string];
  columns: Record<string, [role: ColumnRole, sql?: string, generalise?: string[]]>;
}

const dimensions = (...names: string[]): Declared["columns"] =>
  Object.fromEntries(names.map((name) => [name, ["dimension"]]));
const measures = (...names: string[]): Declared["columns"] =>
  Object.fromEntries(names.map((name) => [name, ["measure"]]));

const DECLARED: Record<string, Declared> = {
  ...TPCH,
  encounters: {
    file: "diabetes130/diabetic_data.parquet",
    subject: "patient_nbr",
    key: "patient",
    columns: {
      ...dimensions("race", "gender", "age", "insulin", "metformin", "change"),
      diabetes_med: ["dimension", "diabetesMed"],
      admission_type: ["dimension", "admission_type_id"],
      readmitted: ["sensitive"],
      ...measures("time_in_hospital", "num_lab_procedures", "num_procedures", "num_medications"),
      ...measures("number_outpatient", "number_emergency", "number_inpatient", "number_diagnoses"),
    },
  },
  persons: {
    file: "adult/adult.parquet",
    subject: "rowid",
    key: "person",
    columns: {
      ...dimensions("workclass", "education", "marital_status", "relationship", "race", "sex"),
      age: ["quasi_identifier", "age", ["bin:10"]],
      income: ["sensitive", "trim(income, '.')"],
      ...measures("education_num", "hours_per_week", "capital_gain"),
    },
  },
  flights: {
    file: "us_flights/nycflights13_flights.parquet",
    subject: "tailnum",
    key: "tail",
    columns: {
      ...dimensions("month", "carrier", "origin", "dest", "hour"),
      ...measures("dep_delay", "arr_delay", "air_time", "distance"),
    },
  },
  airlines: { file: "us_flights/nycflights13_airlines.csv", columns: { carrier: ["public"], name: ["public"] } },
  taxi: {
    file: "nyc_taxi/yellow_taxi_sample_2018_2020.parquet",
    subject: "rowid",
    key: "trip",
    columns: {
      pickup: ["dimension", "pickup_datetime"],
      ...dimensions("payment_type", "passenger_count"),
      ...measures("trip_distance", "fare_amount", "tip_amount", "total_amount"),
    },
  },
  bikes: {
    file: "bike_share/bay_area_bike_trips_2014.parquet",
    subject: "trip_id",
    key: "trip",
    columns: {
      ...dimensions("start_station", "end_station", "start_date"),
      subscription: ["dimension", "subscription_type"],
      duration: ["measure"],
    },
  },
  trips: {
    file: "gtfs_nyc_subway/trips.csv",
    columns: { route: ["public", "route_id"], direction: ["public", "direction_id"] },
  },
  mines: {
    file: "us_mines/us_mines.parquet",
    subject: "rowid",
    key: "mine",
    columns: {
      year: ["dimension", "YEAR"],
      state: ["dimension", "US_STATE"],
      commodity: ["dimension", "COMMODITY"],
      kind: ["dimension", "TYPE_OF_MINE"],
      status: ["dimension", "MINE_STATUS"],
      employees: ["measure", "AVG_EMP_TOTAL"],
      hours: ["measure", "EMP_HRS_TOTAL"],
      injuries: ["measure", "NUM_INJURIES"],
    },
  },
  charities: {
    file: "acro_charities/charities.csv",
    subject: "charity",
    key: "charity_key",
    columns: {
      ...dimensions("year", "grant_type", "status"),
      income: ["measure", "inc_total"],
      costs: ["measure", "total_costs"],
      staff_costs: ["measure"],
    },
  },
  air: {
    file: "beijing_air/beijing_air_hourly.parquet",
    columns: { station: ["public"], ts: ["public"], wd: ["public"], ...measures("pm25", "pm10", "no2", "o3", "wspm") },
  },
  cities: {
    file: "cn_air_quality/cn_aqi_daily.parquet",
    columns: { city: ["public"], date: ["public"], level: ["public"], ...measures("aqi", "pm25") },
  },
  water: {
    file: "water_meters/water_readings.parquet",
    subject: "user_key",
    key: "household",
    columns: { phase: ["dimension"], ts: ["dimension"], litres: ["measure", "diff_litres"] },
  },
};

async function create(connection: DuckDBConnection, id: string): Promise<MountedProduct> {
  const { file, subject, columns, own } = DECLARED[id]!;
  const key = DECLARED[id]!.key ?? own?.[0];
  const row = subject === "rowid" ? "row_number() OVER ()" : `dense_rank() OVER (ORDER BY ${subject})`;
  const ordinal =
    subject === undefined ? [] : [`CASE WHEN (${row}) IS NULL THEN NULL ELSE ${row} - 1 END::UINTEGER AS "${key!}"`];
  if (own) ordinal.push(`"${own[0]}"::UINTEGER AS "${own[0]}"`);
  const selected = Object.entries(columns).map(([name, [, sql]]) => `${sql ?? `"${name}"`} AS "${name}"`);
  const source = file.endsWith(".csv") ? `read_csv('${DATA}${file}')` : `'${DATA}${file}'`;
  await connection.run(`CREATE TABLE "${id}" AS SELECT ${[...ordinal, ...selected].join(", ")} FROM ${source}`);
  const types = await connection.runAndReadAll(
    `SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '${id}'`,
  );
  const manifest = types.getRows().map(([name, type]) => {
    const [role, , generalise] = columns[String(name)] ?? ["subject_key" as const];
    const base = {
      name: String(name),
      type: String(type),
      role,
      grade: "L2" as const,
      nullCount: 0,
      approxDistinct: 0,
    };
    return generalise ? { ...base, generalise } : base;
  });
  return {
    id,
    version: "v1",
    directory: "/nowhere",
    rowCount: 0,
    columns: manifest,
    files: [],
    ...(key === undefined ? {} : { subjectKey: key }),
  };
}

export async function openCorpus(staging: DuckDBConnection): Promise<EngineSession> {
  const products: MountedProduct[] = [];
  for (const id of Object.keys(DECLARED)) products.push(await create(staging, id));
  const joins = [...TPCH_JOINS, { left: "flights.carrier", right: "airlines.carrier" }];
  const scenario = { op: "open", id: 1, scenario: "corpus", visibility: "aggregates" } as const;
  const open: EngineOpen = { ...scenario, products, joins, threads: 2, memoryBytes: 2 ** 31 };
  return EngineSession.open(open, async (connection, _open, { empty }) => {
    if (!empty) return Promise.all(Object.keys(DECLARED).map((id) => create(connection, id))).then(() => undefined);
    for (const { id, columns } of products) {
      await connection.run(
        `CREATE TABLE "${id}" (${columns.map((column) => `"${column.name}" ${column.type}`).join(", ")})`,
      );
    }
  });
}
