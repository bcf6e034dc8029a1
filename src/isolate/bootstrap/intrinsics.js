/*
 * Guest bootstrap, part 1. The parts are joined in the order of ../bootstrap.ts into one strict function body and
 * run in a fresh isolate before the developer's script; names declared here are seen by the later parts and never
 * by the script.
 *
 * INVARIANT: what works after the script has started uses only the captures below. A script may replace
 * Array.prototype.map or Promise.prototype.then; it then fools itself, not the caps.
 */
const { apply, construct, ownKeys, getOwnPropertyDescriptor } = Reflect;
const TRAPS = [
  "defineProperty",
  "deleteProperty",
  "get",
  "getOwnPropertyDescriptor",
  "has",
  "isExtensible",
  "ownKeys",
  "preventExtensions",
  "set",
];
const reflected = { __proto__: null };
for (let i = 0; i < TRAPS.length; i++) reflected[TRAPS[i]] = Reflect[TRAPS[i]];
const { defineProperty, freeze, isFrozen, getPrototypeOf, keys, hasOwn } = Object;
const { isArray } = Array;
const { isFinite: isFiniteNumber, isSafeInteger } = Number;
const { isError } = Error;
const { parse: parseJson, stringify: toJson } = JSON;
const { floor, fround, imul, trunc } = Math;
const { fromCharCode } = String;
const makeBigInt = BigInt;
const makeNumber = Number;
const makeString = String;
const NativeArrayBuffer = ArrayBuffer;
const NativeDate = Date;
const NativeError = Error;
const NativeFunction = Function;
const NativeMap = Map;
const NativePromise = Promise;
const NativeProxy = Proxy;
const NativeSet = Set;
const NativeTypeError = TypeError;
const AsyncFunction = (async () => {}).constructor;
const decodeUri = decodeURIComponent;
const TYPED_ARRAYS = {
  __proto__: null,
  Int8Array,
  Int16Array,
  Int32Array,
  Uint8Array,
  Uint16Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
};
const TypedArrayPrototype = getPrototypeOf(Uint8Array.prototype);

/** `f.call` as a plain function, out of the script's reach. */
function uncurry(method) {
  return (self, ...args) => apply(method, self, args);
}

const dateGetTime = uncurry(Date.prototype.getTime);
const dateToIso = uncurry(Date.prototype.toISOString);
const errorToText = uncurry(Error.prototype.toString);
const join = uncurry(Array.prototype.join);
const mapSize = uncurry(getOwnPropertyDescriptor(Map.prototype, "size").get);
const mapGet = uncurry(Map.prototype.get);
const mapSet = uncurry(Map.prototype.set);
const mapForEach = uncurry(Map.prototype.forEach);
const numberToPrecision = uncurry(Number.prototype.toPrecision);
const padStart = uncurry(String.prototype.padStart);
const regExpExec = uncurry(RegExp.prototype.exec);
const regExpToText = uncurry(RegExp.prototype.toString);
const setAdd = uncurry(Set.prototype.add);
const setDelete = uncurry(Set.prototype.delete);
const setForEach = uncurry(Set.prototype.forEach);
const setHas = uncurry(Set.prototype.has);
const setSize = uncurry(getOwnPropertyDescriptor(Set.prototype, "size").get);
const stringCodeUnit = uncurry(String.prototype.charCodeAt);
const stringIndexOf = uncurry(String.prototype.indexOf);
const stringIsWellFormed = uncurry(String.prototype.isWellFormed);
const stringSlice = uncurry(String.prototype.slice);
const symbolToText = uncurry(Symbol.prototype.toString);
const then = uncurry(Promise.prototype.then);
const toUpperCase = uncurry(String.prototype.toUpperCase);
const typedArraySet = uncurry(TypedArrayPrototype.set);
const typedArrayName = uncurry(getOwnPropertyDescriptor(TypedArrayPrototype, Symbol.toStringTag).get);
const typedArrayLength = uncurry(getOwnPropertyDescriptor(TypedArrayPrototype, "length").get);
const weakGet = uncurry(WeakMap.prototype.get);
const weakSet = uncurry(WeakMap.prototype.set);

/** Every occurrence of the one-character `mark` doubled: how SQL quotes quotes. */
function doubled(text, mark) {
  let out = "";
  let from = 0;
  for (let at = stringIndexOf(text, mark); at >= 0; at = stringIndexOf(text, mark, at + 1)) {
    out += stringSlice(text, from, at + 1) + mark;
    from = at + 1;
  }
  return out + stringSlice(text, from);
}

/** Bytes of the text in UTF-8. */
function utf8Bytes(text) {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = stringCodeUnit(text, i);
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return bytes;
}
