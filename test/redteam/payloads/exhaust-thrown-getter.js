// A thrown thing whose every member loops.
throw new Proxy(new Error("x"), {
  get() {
    for (;;);
  },
});
