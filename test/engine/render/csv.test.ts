import t from "tap";
import { openDuckDB } from "../arrow/duckdb.ts";
import { arrowOf, render } from "./tables.ts";

t.test("CSV: quoting, NULL and empty text, CRLF, UTF-8", async (t) => {
  const connection = await openDuckDB(t);
  const bytes = await arrowOf(
    connection,
    `SELECT * FROM (VALUES ('a,b', 1.50::DECIMAL(5,2), true), ('say "hi"', NULL, false), ('', -2, NULL), (NULL, 0, NULL),
       (e'two\\nlines', 1, true), ('温州', 2, true)) v("te""xt", n, "b,c")`,
  );
  t.equal(
    render(bytes, { format: "csv" }).toString("utf8"),
    '"te""xt",n,"b,c"\r\n"a,b",1.50,true\r\n"say ""hi""",,false\r\n"",-2.00,\r\n,0.00,\r\n"two\nlines",1.00,true\r\n温州,2.00,true\r\n',
  );
});

t.test("CSV: a text never begins a formula, a number stays a number", async (t) => {
  const connection = await openDuckDB(t);
  for (const prefix of ["=", "+", "-", "@", "\t", "\r"]) {
    const literal = `'${prefix}1+1'`;
    const csv = render(await arrowOf(connection, `SELECT ${literal} AS "=a", -1 AS n, -1.5::DOUBLE AS d`), {
      format: "csv",
    });
    const [header, row] = csv.toString("utf8").split("\r\n");
    t.equal(header, "'=a,n,d");
    t.ok(row!.replace(/^"/, "").startsWith(`'${prefix}`), JSON.stringify(row));
    t.ok(row!.endsWith(",-1,-1.5"), "numbers keep their sign");
  }
  const coded = await arrowOf(connection, "SELECT CAST('=x' AS ENUM('=x')) AS e, ['=y'] AS l");
  t.equal(render(coded, { format: "csv" }).toString().split("\r\n")[1], `'=x,"[""=y""]"`);
});

t.test("CSV: at most so many rows", async (t) => {
  const connection = await openDuckDB(t);
  const bytes = await arrowOf(connection, "SELECT i FROM range(300000) t(i)");
  t.equal(render(bytes, { format: "csv", maxRows: 3 }).toString(), "i\r\n0\r\n1\r\n2\r\n");
  t.equal(render(bytes, { format: "csv", maxRows: 130_000 }).toString().split("\r\n").length, 130_002);
});
