import { MEDIA_TYPE, type ReleaseFormat } from "#contract/release.ts";
import { AppError } from "#kernel/errors.ts";

const ACCEPTED: readonly [string, ReleaseFormat][] = [
  ["application/json", "json"],
  ["text/csv", "csv"],
  ["application/vnd.apache.arrow.stream", "arrow"],
  ["application/vnd.apache.parquet", "parquet"],
];

/** The best offered format for an Accept header (RFC 9110 §12.5.1); JSON when anything will do. */
export function contentFormat(accept: string | undefined): ReleaseFormat {
  const ranges = (accept ?? "*/*")
    .split(",")
    .map(parseRange)
    .toSorted((a, b) => b.quality - a.quality);
  for (const { type, quality } of ranges) {
    if (quality === 0) continue;
    const match = ACCEPTED.find(([media]) => matches(type, media));
    if (match) return match[1];
  }
  throw new AppError("not_acceptable", `offered: ${ACCEPTED.map(([media]) => media).join(", ")}`);
}

export function mediaTypeOf(format: ReleaseFormat): string {
  return MEDIA_TYPE[format];
}

function parseRange(text: string): { type: string; quality: number } {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const q = parameters.find((parameter) => parameter.startsWith("q="));
  const quality = q === undefined ? 1 : Number(q.slice(2));
  return { type, quality: Number.isFinite(quality) ? quality : 0 };
}

function matches(range: string, media: string): boolean {
  return range === "*/*" || range === media || (range.endsWith("/*") && media.startsWith(range.slice(0, -1)));
}
