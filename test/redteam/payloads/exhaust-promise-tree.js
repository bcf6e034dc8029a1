// Every settled promise makes two.
const grow = () => {
  Promise.resolve().then(grow);
  Promise.resolve().then(grow);
};
grow();
output.json("started", 1);
