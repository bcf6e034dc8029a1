// Outputs beyond their number and size, each caught and tried again.
let refused = 0;
for (let i = 0; i < 500; i++) {
  try {
    output.json(`o${i}`, "x".repeat(2 ** 20));
  } catch (error) {
    refused += error.code === "output_invalid" || error.code === "output_too_large" ? 1 : 0;
  }
}
console.log(refused);
