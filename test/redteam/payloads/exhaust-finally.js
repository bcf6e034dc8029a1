// Loops where the error of a limit would pass by.
try {
  throw new Error("start");
} finally {
  for (;;) {
    try {
      null.x;
    } catch {
      continue;
    }
  }
}
