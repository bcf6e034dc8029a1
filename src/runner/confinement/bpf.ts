import { INSTRUCTION_BYTES } from "#contract/self-lock.ts";
import { type Architecture, AUDIT_ARCHITECTURES, type SyscallName, syscallNumber } from "./syscalls.ts";

/** What happens to a call. `kill` ends the whole process with SIGSYS. */
export type Verdict = "allow" | "kill" | { errno: number };

/** A verdict that depends on one argument: its low 32 bits, masked, against a few values. */
export interface ArgumentRule {
  argument: number;
  mask: number;
  values: readonly number[];
  match: Verdict;
  miss: Verdict;
}

export interface FilterPolicy {
  /** First match counts. Calls that come often stand first: the kernel walks the list for those with arguments. */
  rules: readonly { names: readonly SyscallName[]; verdict: Verdict | ArgumentRule }[];
  /** For calls that no rule names. */
  otherwise: Verdict;
}

/** Numbers of a 64-bit process from here on are the x32 interface: another set of calls under the same architecture. */
const X32_BIT = 0x4000_0000;

// include/uapi/linux/{bpf_common,seccomp}.h
const LOAD = 0x20;
const AND = 0x54;
const EQUAL = 0x15;
const AT_LEAST = 0x35;
const RETURN = 0x06;
const NUMBER_OFFSET = 0;
const ARCHITECTURE_OFFSET = 4;
const ARGUMENTS_OFFSET = 16;
const ALLOW = 0x7fff_0000;
const KILL_PROCESS = 0x8000_0000;
const ERRNO = 0x0005_0000;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, constant: number];

/**
 * The policy as a classic BPF program for seccomp. Calls of another architecture, and of x32, end the process.
 * Throws when the program would be longer than the kernel takes.
 */
export function assembleFilter(policy: FilterPolicy, architecture: Architecture): Buffer {
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCHITECTURE_OFFSET],
    [EQUAL, 1, 0, AUDIT_ARCHITECTURES[architecture]],
    returns("kill"),
    [LOAD, 0, 0, NUMBER_OFFSET],
    ...(architecture === "x64" ? ([[AT_LEAST, 0, 1, X32_BIT], returns("kill")] as const) : []),
  ];
  for (const { names, verdict } of policy.rules) {
    for (const name of names) {
      const number = syscallNumber(name, architecture);
      if (number !== undefined) program.push(...ruleFor(number, verdict));
    }
  }
  program.push(returns(policy.otherwise));
  if (program.length > 4096) throw new Error(`a filter of ${program.length} instructions is too long`);
  return encode(program);
}

function ruleFor(number: number, verdict: Verdict | ArgumentRule): Instruction[] {
  if (typeof verdict === "string" || "errno" in verdict) return [[EQUAL, 0, 1, number], returns(verdict)];
  const { argument, mask, values, match, miss } = verdict;
  const tests = values.map((value, i): Instruction => [EQUAL, values.length - i, 0, value >>> 0]);
  const body: Instruction[] = [
    [LOAD, 0, 0, ARGUMENTS_OFFSET + 8 * argument],
    [AND, 0, 0, mask >>> 0],
    ...tests,
    returns(miss),
    returns(match),
  ];
  return [[EQUAL, 0, body.length, number], ...body];
}

function returns(verdict: Verdict): Instruction {
  if (verdict === "allow") return [RETURN, 0, 0, ALLOW];
  return [RETURN, 0, 0, verdict === "kill" ? KILL_PROCESS : ERRNO | verdict.errno];
}

function encode(program: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(program.length * INSTRUCTION_BYTES);
  for (const [i, [code, ifTrue, ifFalse, constant]] of program.entries()) {
    const at = i * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(ifTrue, at + 2);
    bytes.writeUInt8(ifFalse, at + 3);
    bytes.writeUInt32LE(constant, at + 4);
  }
  return bytes;
}
