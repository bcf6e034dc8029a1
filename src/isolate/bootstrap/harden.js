/*
 * Part 2: takes away what can hold memory outside the limit, run after the script's end, block the processor beyond
 * reach, or tell anything about this machine; makes time and chance constants of the job.
 */
const REMOVED_GLOBALS = [
  "WebAssembly",
  "SharedArrayBuffer",
  "Atomics",
  "FinalizationRegistry",
  "WeakRef",
  "Intl",
  "Temporal",
  "DisposableStack",
  "AsyncDisposableStack",
];

function harden() {
  for (let i = 0; i < REMOVED_GLOBALS.length; i++) remove(globalThis, REMOVED_GLOBALS[i]);
  removeLocales();
  fixArrayBuffer();
  define(BigInt.prototype, "toJSON", function toJSON() {
    return makeString(this);
  });
  defineProperty(NativeError, "stackTraceLimit", { value: 20, writable: false, configurable: false });
}

function remove(object, name) {
  if (!delete object[name] || hasOwn(object, name)) throw new NativeError(`${name} cannot be removed`);
}

function define(object, name, value) {
  defineProperty(object, name, { value, writable: true, enumerable: false, configurable: true });
}

/** ICU: megabytes a call outside the limit, and calls that cannot be interrupted. */
function removeLocales() {
  const prototypes = [Object, Array, Number, BigInt, Date];
  for (let i = 0; i < prototypes.length; i++) remove(prototypes[i].prototype, "toLocaleString");
  remove(TypedArrayPrototype, "toLocaleString");
  remove(Date.prototype, "toLocaleDateString");
  remove(Date.prototype, "toLocaleTimeString");
  remove(String.prototype, "toLocaleLowerCase");
  remove(String.prototype, "toLocaleUpperCase");
  remove(String.prototype, "localeCompare");
  remove(String.prototype, "normalize");
}

/** Resizable buffers reserve and commit memory that the isolate's limit does not see. */
function FixedArrayBuffer(length) {
  if (new.target === undefined) throw new NativeTypeError("Constructor ArrayBuffer requires 'new'");
  return construct(NativeArrayBuffer, [length], new.target);
}

function fixArrayBuffer() {
  const prototype = NativeArrayBuffer.prototype;
  remove(prototype, "resize");
  remove(prototype, "transfer");
  remove(prototype, "transferToFixedLength");
  replaceConstructor(NativeArrayBuffer, FixedArrayBuffer, 1);
}

/** Every way to ask for the time answers the job's instant. */
function fixDate(nowMs) {
  const callText = makeString(new NativeDate(nowMs));
  function FixedDate(...parts) {
    if (new.target === undefined) return callText;
    return construct(NativeDate, parts.length === 0 ? [nowMs] : parts, new.target);
  }
  replaceConstructor(NativeDate, FixedDate, 7);
  define(FixedDate, "now", function now() {
    return nowMs;
  });
}

function replaceConstructor(native, replacement, length) {
  const names = ownKeys(native);
  for (let i = 0; i < names.length; i++) {
    if (names[i] === "prototype") continue;
    defineProperty(replacement, names[i], getOwnPropertyDescriptor(native, names[i]));
  }
  defineProperty(replacement, "length", { value: length, configurable: true });
  defineProperty(replacement, "prototype", { value: native.prototype, writable: false });
  define(native.prototype, "constructor", replacement);
  define(globalThis, native.name, replacement);
}

/** xoshiro128** 1.1 (Blackman and Vigna, 2018), its state filled by splitmix32; 53 bits a number. */
function randomFrom(seed) {
  let mixed = (seed ^ imul((seed / 0x1_0000_0000) | 0, 0x9e3779b1)) | 0;
  const splitmix = () => {
    mixed = (mixed + 0x9e3779b9) | 0;
    let z = imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    z = imul(z ^ (z >>> 15), 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let [a, b, c, d] = [splitmix(), splitmix(), splitmix(), splitmix()];
  const next = () => {
    const product = imul(b, 5);
    const result = imul((product << 7) | (product >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return result;
  };
  return function random() {
    return ((next() >>> 5) * 0x400_0000 + (next() >>> 6)) / 0x20_0000_0000_0000;
  };
}
