import { DuckDBInstance } from "@duckdb/node-api";
import { encodeArrowStream } from "./src/engine/arrow/index.ts";
import { renderTable } from "./src/engine/render/index.ts";
const c = await (await DuckDBInstance.create(":memory:",{threads:"2"})).connect();
await c.run("create table t as select i%40 as k, 'district '||(i%40) as d, i::decimal(12,2) v from range(10000) t(i)");
const q="select d, count(*) n, sum(v) s, avg(v) a from t group by d";
const med=(a:number[])=>a.sort((x,y)=>x-y)[a.length>>1]!.toFixed(3);
const A:number[]=[],B:number[]=[],C:number[]=[],D:number[]=[]; let b!:Uint8Array;
for(let i=0;i<500;i++){ let t=performance.now(); const r=await c.stream(q); A.push(performance.now()-t); t=performance.now(); b=(await encodeArrowStream(r,{maxRows:1e6,maxBytes:1e8})).bytes; B.push(performance.now()-t); t=performance.now(); renderTable(b,{format:"json",suppressed:0,notes:[]}); C.push(performance.now()-t); t=performance.now(); await (await c.runAndReadAll(q)).getRowsJson(); D.push(performance.now()-t);}
console.log("stream start",med(A),"fetch+encode",med(B),"render json",med(C),"runAndReadAll+rows",med(D),b.length);
for (const sql of ["select i, i*2 j, i::double d from range(3000000) t(i)","select 'some longer string value '||i s from range(1000000) t(i)","select 'short'||(i%1000) s from range(3000000) t(i)"]) { const t=performance.now(); const r=await c.stream(sql); const e=await encodeArrowStream(r,{maxRows:1e9,maxBytes:1e9}); const t1=performance.now()-t; const t2=performance.now(); const r2=await c.stream(sql); for(let ch=await r2.fetchChunk(); ch&&ch.rowCount>0; ch=await r2.fetchChunk()){} console.log(sql.slice(0,40), "encode",t1.toFixed(0),"fetch only",(performance.now()-t2).toFixed(0),e.bytes.length) }
