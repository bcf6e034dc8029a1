// More queries than may be asked, all at once.
const asked = Array.from({ length: 5000 }, (_, i) =>
  sql(`select ${i} as i`).then(
    () => "ok",
    (error) => error.code,
  ),
);
const ends = await Promise.all(asked);
output.json("ends", [...new Set(ends)].sort());
