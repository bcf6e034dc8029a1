// Changes what require may look names up with, then asks for a module of the process.
Map.prototype.get = () => undefined;
Array.prototype.includes = Array.prototype.indexOf = () => true;
Object.defineProperty(Object.prototype, "fs", { get: () => "return process", configurable: true });
String.prototype.toString = () => "arquero";
const seen = [];
for (const name of ["fs", { toString: () => "arquero" }, new String("arquero"), "__proto__", "constructor"]) {
  try {
    seen.push(typeof require(name));
  } catch (error) {
    seen.push(error.code);
  }
}
output.json("seen", seen);
