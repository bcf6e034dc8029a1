import fc from "fast-check";
import t from "tap";
import { encodeFrame, type Frame, FrameDecoder } from "#contract/frame.ts";

const join = (chunks: Uint8Array[]) => Buffer.concat(chunks);

t.test("frames come back whole however the stream was cut", async () => {
  const part = fc.uint8Array({ maxLength: 300 });
  const frame = fc.record({
    header: fc.dictionary(
      fc.string().filter((k) => k !== "parts" && k !== "__proto__"),
      fc.string(),
    ),
    parts: fc.array(part, { maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.array(frame, { minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 97 }), (frames, step) => {
      const bytes = join(frames.flatMap(({ header, parts }) => encodeFrame(header, parts)));
      const decoder = new FrameDecoder();
      const seen: Frame[] = [];
      for (let at = 0; at < bytes.byteLength; at += step) seen.push(...decoder.push(bytes.subarray(at, at + step)));
      return (
        decoder.pendingBytes === 0 &&
        seen.length === frames.length &&
        seen.every(({ header, parts }, i) => {
          const { parts: lengths, ...rest } = header;
          const sent = frames[i]!;
          return (
            JSON.stringify(rest) === JSON.stringify(sent.header) &&
            (lengths as number[]).length === sent.parts.length &&
            parts.every((bytes_, j) => Buffer.compare(bytes_, sent.parts[j]!) === 0)
          );
        })
      );
    }),
  );
});

t.test("a frame that breaks the protocol is refused before it is believed", async (t) => {
  const prefix = (total: number, head: number, rest = Buffer.alloc(0)) => {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(total, 0);
    bytes.writeUInt32LE(head, 4);
    return Buffer.concat([bytes, rest]);
  };
  const broken: [string, Buffer][] = [
    ["longer than the maximum", prefix(0xffffffff, 2)],
    ["shorter than its own head", prefix(0, 0)],
    ["header beyond the frame", prefix(6, 9, Buffer.from("{}"))],
    ["header not JSON", prefix(6, 2, Buffer.from("{x"))],
    ["header not an object", prefix(6, 2, Buffer.from("[]"))],
    ["no part lengths", prefix(6, 2, Buffer.from("{}"))],
    ["negative part", prefix(4 + 14, 14, Buffer.from('{"parts":[-1]}'))],
    ["parts that do not fill it", prefix(4 + 13, 13, Buffer.from('{"parts":[1]}'))],
    ["part lengths not numbers", prefix(4 + 15, 15, Buffer.from('{"parts":["1"]}'))],
  ];
  for (const [what, bytes] of broken) t.throws(() => new FrameDecoder().push(bytes), { code: "frame_invalid" }, what);
  t.throws(() => encodeFrame({}, [new Uint8Array(64 * 1024 * 1024)]), { code: "frame_invalid" });
});
