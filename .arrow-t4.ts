import { ingestProduct } from "./src/engine/ingest/index.ts";
import fs from "node:fs";
const cols=[["person","subject_key"],["name","identifier"],["amount","measure"],["day","dimension"],["district","dimension"],["score","measure"]].map(([name,role])=>({name,role,grade:"L1"})) as any;
fs.rmSync("/tmp/arrow-out",{recursive:true,force:true});
const t=performance.now(); let last=t, gap=0;
const r=await ingestProduct({spec:{id:"x",source:{path:"/tmp/arrow-20m.csv"},subjectKey:"person",grade:"L1",columns:cols}, directory:"/tmp/arrow-out",onProgress:(n)=>{const now=performance.now(); gap=Math.max(gap,now-last); last=now; if (process.env.V) console.log(n, Math.round(now-t))}});
console.log(r.manifest.rowCount, r.manifest.subjectCount, Math.round(performance.now()-t),"ms; max progress gap",Math.round(gap),"maxRSS MB",process.resourceUsage().maxRSS/1024, "cpu", process.resourceUsage().userCPUTime/1e6);
console.log(r.manifest.files.map(f=>f.path+" "+f.bytes).join(", "));
