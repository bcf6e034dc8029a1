// A comparator that makes the array longer while it is sorted.
const list = Array.from({ length: 1e5 }, (_, i) => i);
list.sort(() => {
  list.push(...new Array(1000).fill(1));
  return list.length % 2 ? 1 : -1;
});
output.json("length", list.length);
