#include "counts.h"

#include <string.h>

size_t counts_size(uint16_t room) { return sizeof(struct counts) + room * (sizeof(uint32_t) + sizeof(uint64_t)); }

void counts_clear(struct counts *counts, uint16_t room) {
  memset(counts, 0, counts_size(room));
  counts->room = room;
}

static uint32_t *subjects_of(const struct counts *counts) { return (uint32_t *)(counts + 1); }
static uint64_t *rows_of(const struct counts *counts) { return (uint64_t *)(subjects_of(counts) + counts->room); }

void counts_keep(struct counts *counts, uint32_t subject, uint64_t rows) {
  uint32_t place = find_subject(subjects_of(counts), counts->kept, subject);
  if (place == counts->room) {
    counts->is_sample = true;
    return;
  }
  if (place == counts->kept) {
    counts->kept++;
    subjects_of(counts)[place] = subject;
    rows_of(counts)[place] = 0;
  }
  rows_of(counts)[place] += rows;
}

void counts_merge(struct counts *into, const struct counts *from) {
  into->is_sample |= from->is_sample;
  for (int g = 0; g <= NOBODY; g++) {
    into->groups[g].rows += from->groups[g].rows;
    into->groups[g].places |= from->groups[g].places;
  }
  for (uint32_t i = 0; i < from->kept && !into->is_sample; i++) {
    counts_keep(into, subjects_of(from)[i], rows_of(from)[i]);
  }
}

uint64_t counts_rows(const struct counts *counts) {
  uint64_t rows = 0;
  for (int g = 0; g <= NOBODY; g++) rows += counts->groups[g].rows;
  return rows;
}

static void bound_kept(const struct counts *counts, struct bounds *bounds) {
  double totals[MOST_ROOM + 1];
  uint32_t count = 0;
  unsigned __int128 sketch = 0;
  for (; count < counts->kept; count++) {
    totals[count] = (double)rows_of(counts)[count];
    sketch += (unsigned __int128)sketch_of(subjects_of(counts)[count]);
  }
  bounds->subjects = bounds->non_neutral = count;
  wide_set(&bounds->sketch, (whole_t)sketch);
  if (counts->groups[NOBODY].rows > 0) totals[count++] = (double)counts->groups[NOBODY].rows;
  bound_totals(totals, count, bounds);
}

/* The second largest subject is in another group than the largest, or has at most half of its group. */
static void bound_groups(const struct counts *counts, struct bounds *bounds) {
  for (int g = 0; g <= NOBODY; g++) {
    bounds->subjects += (uint64_t)__builtin_popcountll(counts->groups[g].places);
    bounds->total += (double)counts->groups[g].rows;
    put_largest(bounds->largest, (double)counts->groups[g].rows);
  }
  bounds->non_neutral = bounds->subjects;
  if (bounds->largest[1] < bounds->largest[0] / 2) bounds->largest[1] = bounds->largest[0] / 2;
}

void counts_bound(const struct counts *counts, struct bounds *bounds) {
  *bounds = (struct bounds){.is_complete = !counts->is_sample};
  if (counts->is_sample) {
    bound_groups(counts, bounds);
  } else {
    bound_kept(counts, bounds);
  }
}
