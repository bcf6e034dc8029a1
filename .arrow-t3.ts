import { ingestProduct } from "./src/engine/ingest/index.ts";
import fs from "node:fs";
const cols=[["date","dimension"],["origin","dimension"],["destination","dimension"],["delay","measure"],["distance","measure"]].map(([name,role])=>({name,role,grade:"L1"})) as any;
fs.rmSync("/tmp/arrow-out",{recursive:true,force:true});
await ingestProduct({spec:{id:"x",source:{path:"node_modules/vega-datasets/data/flights-3m.parquet"},grade:"L1",columns:cols}, directory:"/tmp/arrow-out"});
