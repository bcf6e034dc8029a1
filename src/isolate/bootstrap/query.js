/*
 * Part 12: `sql`. At most `queriesInFlight` are outside at once, the others wait here; the supervisor answers by
 * number through `deliver`.
 */
function makeQueries(limits, hostQuery) {
  const open = { __proto__: null };
  const waiting = [];
  let made = 0;
  let sent = 0;
  let inFlight = 0;

  const sendNext = () => {
    while (inFlight < limits.queriesInFlight && sent < waiting.length) {
      const request = waiting[sent];
      waiting[sent++] = undefined;
      inFlight++;
      hostQuery(request.query, request.text);
    }
  };
  let exhausted;
  const ask = (text) => {
    // One error for all: a flood of refused queries must stay cheap.
    if (made >= limits.queries) return rejected((exhausted ??= tooManyQueries(limits)));
    if (text.length > limits.sqlCharacters) return rejected(tooLong(limits));
    const site = new NativeError("query");
    const query = ++made;
    const answer = new NativePromise((resolve, reject) => {
      open[query] = { resolve, reject, site };
    });
    defineProperty(waiting, waiting.length, { value: { query, text }, writable: true });
    sendNext();
    return answer;
  };
  const deliver = (query, code, ...parts) => {
    const request = open[query];
    if (request === undefined) throw new NativeError("an answer to no query");
    delete open[query];
    inFlight--;
    settle(request, { query, code, parts });
    sendNext();
  };
  return { ask, deliver };
}

function tooManyQueries(limits) {
  return codedError("QueryError", "query_limit", `The script ran more than ${limits.queries} queries`);
}

function tooLong(limits) {
  return codedError("QueryError", "query_invalid", `The SQL text is longer than ${limits.sqlCharacters} characters`);
}

function rejected(error) {
  return new NativePromise((_resolve, reject) => {
    apply(reject, undefined, [error]);
  });
}

/** `code` is empty for a result; then the text describes what is in the stream, else it is the refusal's message. */
function settle({ resolve, reject, site }, { query, code, parts }) {
  const text = parts[0];
  const stream = parts[1];
  if (code === "") resolve(makeResult(query, text, stream));
  else reject(withCode(site, { name: "QueryError", code, message: text }));
}

function makeSql(ask) {
  const sql = (first, ...values) => ask(sqlText(first, values));
  define(sql, "identifier", (name) => makeIdentifier(name));
  return freeze(sql);
}
