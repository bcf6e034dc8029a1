import { Parser, type Result } from "tap-parser";

/** A test that failed: its full title and what tap knows about it. */
export interface Failure {
  title: string;
  diagnostics: unknown;
}

/** What one test file did. A test is a block without blocks inside, or with assertions of its own. */
export interface FileResult {
  file: string;
  passed: number;
  failures: Failure[];
  skipped: string[];
  /** What the file wrote on its standard output besides results. */
  output: string;
  timeMs: number;
}

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

interface Block {
  title: string;
  assertions: number;
  failures: Failure[];
  skipped: string[];
  /** Something inside failed, here or deeper. */
  broken: boolean;
  /** The subtest that is under way. */
  child: Block | undefined;
  isLeaf: boolean;
}

export interface Collector {
  write(chunk: Buffer | string): void;
  /** Ends the stream. Failures of the stream itself (cut off, no plan, no file) are counted here. */
  end(): Totals & { failures: Failure[] };
}

/**
 * Reads the TAP stream of a whole run. Counts what tap's exit status hides or its counters double: a file that
 * fails without a failing assertion, a block that asserts nothing, a stream that stops early.
 */
export function collectResults(onFile: (result: FileResult) => void): Collector {
  const totals = { passed: 0, failed: 0, skipped: 0, failures: [] as Failure[] };
  const root = newBlock("");
  const parser = new Parser();
  let file = newFile("");
  // comes here from every depth
  parser.on("extra", (text: string) => {
    file.output += text;
  });
  parser.on("child", (child: Parser) => {
    file = newFile(child.name);
    root.child = watchBlock(child, child.name, file);
  });
  parser.on("bailout", (reason: string) => totals.failures.push({ title: "bail out", diagnostics: reason }));
  parser.on("assert", (result: Result) => {
    if (!result.closingTestPoint) {
      if (!result.ok) totals.failures.push({ title: result.name, diagnostics: result.diag as unknown });
      return;
    }
    settle(root, result, file);
    file.timeMs = result.time ?? 0;
    addFile(totals, file);
    onFile(file);
  });
  return { write: (chunk) => void parser.write(chunk), end: () => finish(parser, totals) };
}

function watchBlock(parser: Parser, title: string, file: FileResult): Block {
  const block = newBlock(title);
  parser.on("child", (child: Parser) => {
    block.isLeaf = false;
    block.child = watchBlock(child, `${title} > ${child.name}`, file);
  });
  parser.on("assert", (result: Result) => {
    if (result.closingTestPoint) settle(block, result, file);
    else note(block, result);
  });
  return block;
}

/** One assertion of a block. A skipped or deferred subtest arrives as such an assertion too. */
function note(block: Block, result: Result): void {
  const title = `${block.title} > ${result.name}`;
  if (result.skip !== false || result.todo !== false) {
    block.skipped.push(`${title}: ${String(result.skip || result.todo)}`);
    return;
  }
  block.assertions += 1;
  if (result.ok) return;
  block.broken = true;
  block.failures.push({ title, diagnostics: result.diag as unknown });
}

/** The verdict of a block's parent on the block that has just ended. */
function settle(parent: Block, result: Result, file: FileResult): void {
  const block = parent.child ?? newBlock(result.name);
  parent.child = undefined;
  file.skipped.push(...block.skipped);
  file.failures.push(...block.failures);
  if (block.failures.length > 0) parent.broken = true;
  else if (!result.ok && !block.broken) fail(parent, file, { title: block.title, diagnostics: result.diag as unknown });
  else if (result.skip === "no tests found") fail(parent, file, { title: block.title, diagnostics: "asserts nothing" });
  else if (result.skip !== false) file.skipped.push(`${block.title}: ${String(result.skip)}`);
  // a leaf without assertions of tap's throws when it fails: laws of fast-check
  else if (block.assertions > 0 || block.isLeaf) file.passed += 1;
  parent.broken ||= block.broken;
}

function fail(parent: Block, file: FileResult, failure: Failure): void {
  parent.broken = true;
  file.failures.push(failure);
}

function addFile(totals: Totals, file: FileResult): void {
  totals.passed += file.passed;
  totals.failed += file.failures.length;
  totals.skipped += file.skipped.length;
}

function finish(parser: Parser, totals: Totals & { failures: Failure[] }): Totals & { failures: Failure[] } {
  parser.end();
  const known = totals.failed + totals.failures.length;
  if (known === 0 && totals.passed === 0) totals.failures.push({ title: "the run", diagnostics: "no test ran" });
  else if (known === 0 && !parser.ok) totals.failures.push({ title: "the run", diagnostics: "results are incomplete" });
  totals.failed += totals.failures.length;
  return totals;
}

function newBlock(title: string): Block {
  return { title, assertions: 0, failures: [], skipped: [], broken: false, child: undefined, isLeaf: true };
}

function newFile(file: string): FileResult {
  return { file, passed: 0, failures: [], skipped: [], output: "", timeMs: 0 };
}
