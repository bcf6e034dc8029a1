/*
 * Part 11: `require` for the libraries of the image. Their text comes in and is compiled when a script first asks for
 * it, in the script's own world: a library can do nothing that the script could not.
 */
function makeRequire(names, hostLibrary) {
  const loaded = new NativeMap();
  return function require(name) {
    const found = mapGet(loaded, name);
    if (found !== undefined) return found;
    if (!contains(names, name)) throw noSuchLibrary(names, name);
    const library = runModule(`${hostLibrary(name)}\nreturn module.exports;\n//# sourceURL=${name}`);
    mapSet(loaded, name, library);
    return library;
  };
}

/** The one form that a bundle needs: it replaces `module.exports`. */
function runModule(body) {
  return apply(construct(NativeFunction, ["module", body]), undefined, [{}]);
}

function contains(names, name) {
  for (let i = 0; i < names.length; i++) if (names[i] === name) return true;
  return false;
}

function noSuchLibrary(names, name) {
  const asked = typeof name === "string" ? ` ${stringSlice(name, 0, 100)}` : "";
  return codedError("LibraryError", "script_error", `There is no library${asked}; the image has ${join(names, ", ")}`);
}
