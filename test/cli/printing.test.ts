import fc from "fast-check";
import t from "tap";
import { formatFindings, formatReleasedTable, formatTable } from "#cli/index.ts";
import { displayWidth } from "../../src/cli/print/width.ts";
import { printable } from "../../src/cli/print/printable.ts";
import type { Finding } from "#contract/egress.ts";

t.test("wide characters take two columns, marks none", async (t) => {
  for (const [text, width] of [
    ["abc", 3],
    ["鹿城区", 6],
    ["ＡＢ，。", 8],
    ["한국", 4],
    ["ｱｲ", 2],
    ["é", 1],
    ["e\u0301", 1],
    ["🎈", 2],
    ["𠮷", 2],
    ["—…·", 3],
    ["", 0],
  ] as const) {
    t.equal(displayWidth(text), width, text);
  }
});

t.test("columns stay straight whatever the characters are", async (t) => {
  const text = formatTable(
    [{ title: "区县" }, { title: "n" }],
    [
      ["鹿城区", 12],
      ["ab", 3456],
      [null, null],
    ],
  );
  t.equal(text, ["区县       n", "──────  ────", "鹿城区    12", "ab      3456", "—          —"].join("\n"));
  const cell = fc.constantFrom("鹿城", "a", "한국어", "", "🎈x", "12", "—");
  const full = cell.filter((text) => text !== "");
  const property = fc.property(fc.array(fc.tuple(cell, cell, full), { minLength: 1, maxLength: 6 }), (rows) => {
    const lines = formatTable([{ title: "一" }, { title: "b" }, { title: "三三", right: true }], rows).split("\n");
    // the last column is set to the right, so every line has the same width
    return new Set(lines.map(displayWidth)).size === 1;
  });
  fc.assert(property);
});

t.test("a released table shows suppressed cells as dashes and says why", async (t) => {
  const text = formatReleasedTable({
    columns: [
      { name: "district", type: "VARCHAR" },
      { name: "patients", type: "BIGINT" },
    ],
    rows: [
      ["瑞安市", "83"],
      ["洞头区", null],
    ],
    suppressed: 1,
    notes: [{ rule: "R1", message: "small cells are withheld" }],
  });
  t.match(text, "瑞安市          83");
  t.match(text, "洞头区           —");
  t.match(text, "1 suppressed (—)\nR1: small cells are withheld");
});

t.test("what others wrote cannot steer the terminal", async (t) => {
  t.equal(printable("a\u001B[31mred\u0007\r\n\u202Eevil"), "a\\u{1b}[31mred\\u{7}\\r\\n\\u{202e}evil");
  const text = formatTable([{ title: "\u001B]0;x" }], [["\u009B2J"]]);
  t.notMatch(text, /(?!\n)\p{Cc}/u);
});

const FINDING: Finding = {
  rule: "R9",
  family: "form",
  code: "aggregate_refused",
  effect: "refuse",
  message: "max() can identify one person",
};

t.test("the place of a finding is marked under its line, counted in columns", async (t) => {
  const sql = "SELECT district AS 区县,\n\t'鹿城' AS 区, MAX(income)\nFROM residents";
  const position = sql.indexOf("MAX");
  const text = formatFindings([{ ...FINDING, construct: "max(income)", position, suggestion: "quantile_cont" }], sql);
  t.equal(
    text,
    [
      "refused R9 aggregate_refused: max() can identify one person",
      "  2 │  '鹿城' AS 区, MAX(income)",
      "    │                ^^^^^^^^^^^",
      "  try: quantile_cont",
    ].join("\n"),
  );
});

t.test("a call is marked up to its closing bracket", async (t) => {
  const sql = "select max(abs(income)) from residents where (min(";
  const at = (name: string) => formatFindings([{ ...FINDING, construct: "f()", position: sql.indexOf(name) }], sql);
  t.match(at("max"), /\n {4}│ {8}\^{16}$/);
  t.match(at("min"), /\^{3}$/, "one that does not end on the line: its name");
  t.match(at("from"), /\n {4}│ {25}\^{4}$/);
});

t.test("a finding without SQL names its construct, and odd positions do no harm", async (t) => {
  t.match(formatFindings([{ ...FINDING, construct: "max(income)", position: 3 }]), "\n  at: max(income)");
  t.match(formatFindings([{ ...FINDING, position: 0 }], "\nselect 1"), "  1 │");
  t.match(formatFindings([{ ...FINDING, position: 8 }], "select 1"), "    │         ^");
  t.notMatch(formatFindings([{ ...FINDING, position: 99 }], "select 1"), "│");
  t.equal(formatFindings([]), "");
});
