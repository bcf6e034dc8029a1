import { GRADES } from "#contract/common.ts";
import type { ProductColumn, ProductSpec } from "#contract/product.ts";
import { AppError } from "#kernel/errors.ts";

/** What is wrong with a declaration, and where: `path` is a JSON pointer into it. */
export interface SpecProblem {
  path: string;
  message: string;
}

const RESERVED_PREFIX = "__sluice";

/** What the schema of a specification cannot say: rules between its columns, subject key and grades. Pure. */
export function checkSpec(spec: ProductSpec): SpecProblem[] {
  return [
    ...checkNames(spec),
    ...checkSubjectKey(spec),
    ...spec.columns.flatMap((column, index) => checkColumn(column, `/columns/${index}`)),
    ...checkGrade(spec),
  ];
}

/** Throws `invalid_product` with all problems in `details.problems`. */
export function requireSpec(spec: ProductSpec): void {
  const problems = checkSpec(spec);
  if (problems[0]) throw invalidProduct(problems);
}

export function invalidProduct(problems: readonly SpecProblem[]): AppError {
  return new AppError("invalid_product", problems[0]?.message, { details: { problems } });
}

function checkNames({ id, columns }: ProductSpec): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const seen = new Map<string, number>();
  if (id.startsWith(RESERVED_PREFIX)) problems.push({ path: "/id", message: "This name is reserved" });
  for (const [index, { name }] of columns.entries()) {
    const path = `/columns/${index}/name`;
    const folded = name.toLowerCase();
    const first = seen.get(folded);
    if (first === undefined) seen.set(folded, index);
    else problems.push({ path, message: `The column has the name of column ${first} (case does not count)` });
    if (folded.startsWith(RESERVED_PREFIX)) problems.push({ path, message: "This name is reserved" });
    if (hasControlCharacter(name)) problems.push({ path, message: "A column name has no control characters" });
  }
  return problems;
}

function hasControlCharacter(name: string): boolean {
  return /\p{Cc}/u.test(name);
}

/** The subject key names the one column of that role; neither is there without the other. */
function checkSubjectKey({ subjectKey, columns }: ProductSpec): SpecProblem[] {
  const problems: SpecProblem[] = [];
  const named = columns.find((column) => column.name === subjectKey);
  if (subjectKey !== undefined && named?.role !== "subject_key") {
    const message = named ? "The subject key has another role" : "The subject key is not a listed column";
    problems.push({ path: "/subjectKey", message });
  }
  for (const [index, { name, role }] of columns.entries()) {
    if (role !== "subject_key" || name === subjectKey) continue;
    problems.push({ path: `/columns/${index}/role`, message: "Only the declared subject key has this role" });
  }
  return problems;
}

function checkColumn(column: ProductColumn, path: string): SpecProblem[] {
  const { role, bounds, generalise = [] } = column;
  const problems: SpecProblem[] = [];
  if (bounds && role !== "measure") problems.push({ path: `${path}/bounds`, message: "Only a measure has bounds" });
  if (bounds && !(bounds[0] < bounds[1])) {
    problems.push({ path: `${path}/bounds`, message: "The lower bound must be below the upper" });
  }
  if (generalise.length > 0 && role !== "quasi_identifier") {
    problems.push({ path: `${path}/generalise`, message: "Only a quasi-identifier is generalised" });
  }
  for (const [index, step] of generalise.entries()) {
    if (!isStep(step))
      problems.push({
        path: `${path}/generalise/${index}`,
        message: "The bin width must be 1, 2 or 5 times a power of ten",
      });
  }
  return problems;
}

/** `bin:W`: aligned bins nest only when W is 1, 2 or 5 times a power of ten. */
function isStep(step: string): boolean {
  if (!step.startsWith("bin:")) return true;
  const width = step.slice("bin:".length);
  return Number.isFinite(Number(width)) && /^0*[125]0*(\.0*)?$|^0*\.0*[125]0*$/.test(width);
}

function checkGrade({ grade, columns }: ProductSpec): SpecProblem[] {
  const highest = Math.max(...columns.map((column) => GRADES.indexOf(column.grade)));
  if (GRADES.indexOf(grade) >= highest) return [];
  return [{ path: "/grade", message: `The product's grade is below that of a column (${GRADES[highest]})` }];
}
