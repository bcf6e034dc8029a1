import { parseSync } from "oxc-parser";

/** A place in a source file, with what was found there. */
export interface Finding {
  what: string;
  line: number;
}

/** An import, a re-export, a dynamic import or a type taken from a file. */
export interface Import {
  specifier: string;
  line: number;
  /** Gone at run time. */
  typeOnly: boolean;
}

/** What the rules need to know of one TypeScript file. */
export interface SourceFile {
  /** From the project's root, with slashes. */
  path: string;
  lines: number;
  imports: Import[];
  /** Constructs that the project does without. */
  banned: Finding[];
  /** Reads of argv, the environment, signals. */
  processReads: Finding[];
  /** Names that exist at run time; types come along with them. */
  exports: string[];
  exportsAll: boolean;
}

interface Node {
  type: string;
  start: number;
  [key: string]: unknown;
}

const PROCESS_MEMBERS = new Set(["argv", "env", "on", "once", "addListener", "prependListener"]);

const IMPORTING_NODES = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);

const BANNED_NODES: Readonly<Record<string, string>> = {
  ExportDefaultDeclaration: "default export",
  TSAnyKeyword: "any",
  TSEnumDeclaration: "enum",
  TSParameterProperty: "parameter property",
  TSExportAssignment: "export =",
  TSImportEqualsDeclaration: "import =",
};

/** Parses with a real parser (that of the linter): comments and strings cannot deceive it. */
export function parseSource(path: string, text: string): SourceFile {
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path} does not parse: ${errors[0]?.message}`);
  const file: SourceFile = {
    path,
    lines: text.split("\n").length - (text.endsWith("\n") ? 1 : 0),
    imports: [],
    banned: [],
    processReads: [],
    exports: [],
    exportsAll: false,
  };
  visit(program, (node) => {
    const line = (): number => lineAt(text, node.start);
    for (const [list, what] of [...bannedIn(node), ...processReadsIn(node)]) file[list].push({ what, line: line() });
    const specifier = IMPORTING_NODES.has(node.type) ? stringOf(node["source"]) : undefined;
    if (specifier !== undefined) file.imports.push({ specifier, line: line(), typeOnly: isTypeOnly(node) });
    collectExport(file, node);
  });
  return file;
}

function visit(value: unknown, onNode: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, onNode);
  } else if (isNode(value)) {
    onNode(value);
    for (const child of Object.values(value)) if (typeof child === "object") visit(child, onNode);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

type Found = [list: "banned" | "processReads", what: string][];

function isTypeOnly(node: Node): boolean {
  return node["importKind"] === "type" || node["exportKind"] === "type" || node.type === "TSImportType";
}

function bannedIn(node: Node): Found {
  const what = BANNED_NODES[node.type];
  if (what !== undefined) return [["banned", what]];
  // `declare module "x"` and `declare global` add to foreign types and leave nothing at run time
  const augments = node["kind"] === "global" || stringOf(node["id"]) !== undefined;
  return node.type === "TSModuleDeclaration" && !augments ? [["banned", "namespace"]] : [];
}

function processReadsIn(node: Node): Found {
  return processMembers(node)
    .filter((member) => PROCESS_MEMBERS.has(member))
    .map((member) => ["processReads", `process.${member}`]);
}

/** Members of `process` that a node names: by access, by taking the object apart, by import. */
function processMembers(node: Node): string[] {
  if (node.type === "MemberExpression" && nameOf(node["object"]) === "process") {
    return [stringOf(node["property"]) ?? nameOf(node["property"])];
  }
  if (node.type === "VariableDeclarator" && nameOf(node["init"]) === "process" && isNode(node["id"])) {
    return nodesOf(node["id"]["properties"]).map((property) => nameOf(property["key"]));
  }
  if (node.type === "ImportDeclaration" && /^(node:)?process$/.test(stringOf(node["source"]) ?? "")) {
    return nodesOf(node["specifiers"]).map((specifier) => nameOf(specifier["imported"]));
  }
  return [];
}

function collectExport(file: SourceFile, node: Node): void {
  if (node.type === "ExportAllDeclaration") file.exportsAll = true;
  if (node.type !== "ExportNamedDeclaration" || node["exportKind"] === "type") return;
  for (const specifier of nodesOf(node["specifiers"])) {
    if (specifier["exportKind"] !== "type") file.exports.push(nameOf(specifier["exported"]));
  }
  const declaration = node["declaration"];
  if (!isNode(declaration)) return;
  const declared = declaration.type === "VariableDeclaration" ? nodesOf(declaration["declarations"]) : [declaration];
  file.exports.push(...declared.map((item) => nameOf(item["id"])));
}

function nodesOf(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function nameOf(value: unknown): string {
  return isNode(value) && typeof value["name"] === "string" ? value["name"] : "";
}

function stringOf(value: unknown): string | undefined {
  return isNode(value) && typeof value["value"] === "string" ? value["value"] : undefined;
}

function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}
