// Ends the function around the script and goes on outside of it.
}); globalThis.outside = this; (async () => {
output.json("outside", typeof globalThis.outside?.process);
