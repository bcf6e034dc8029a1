// Structured call sites of library frames: functions, receivers and file names of the process.
Error.prepareStackTrace = (_error, sites) =>
  sites.map((site) => [
    site.getFileName(),
    typeof site.getFunction(),
    typeof site.getThis(),
    site.isEval(),
    String(site.getEvalOrigin?.()),
  ]);
const aq = require("arquero");
const seen = [];
try {
  aq.table({ a: [1] }).derive({ b: "nonsense(" });
} catch (error) {
  seen.push(error.stack);
}
try {
  aq.table({
    a: [
      {
        valueOf() {
          throw new Error("inside");
        },
      },
    ],
  })
    .derive({ b: (d) => d.a + 1 })
    .objects();
} catch (error) {
  seen.push(error.stack);
}
output.json("seen", seen);
