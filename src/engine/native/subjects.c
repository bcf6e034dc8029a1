#include "subjects.h"

#include <math.h>

static uint64_t scatter64(uint64_t number) {
  number ^= number >> 33;
  number *= 0xff51afd7ed558ccdULL;
  number ^= number >> 33;
  number *= 0xc4ceb9fe1a85ec53ULL;
  return number ^ number >> 33;
}

whole_t sketch_of(uint32_t subject) {
  uint64_t low = scatter64(subject ^ 0x9e3779b97f4a7c15ULL);
  uint64_t high = scatter64(low + subject + 0xd1b54a32d192ed03ULL);
  return (whole_t)((unsigned __int128)high << 64 | low);
}

static void sort(double *numbers, uint32_t count) {
  for (uint32_t i = 1; i < count; i++) {
    double number = numbers[i];
    uint32_t place = i;
    for (; place > 0 && numbers[place - 1] > number; place--) numbers[place] = numbers[place - 1];
    numbers[place] = number;
  }
}

/* How many of the ascending numbers are not the most frequent one. */
static uint64_t off_mode(const double *sorted, uint32_t count) {
  uint32_t most = 0;
  for (uint32_t from = 0, i = 1; i <= count; i++) {
    if (i < count && sorted[i] == sorted[from]) continue;
    if (i - from > most) most = i - from;
    from = i;
  }
  return count - most;
}

/* In ascending order: the same sum of sizes whatever the order in which subjects were met. */
void bound_totals(double *totals, uint32_t count, struct bounds *bounds) {
  sort(totals, count);
  for (uint32_t i = 0; i < count; i++) {
    bounds->total += fabs(totals[i]);
    put_largest(bounds->largest, fabs(totals[i]));
  }
  bounds->off_mode = off_mode(totals, count);
}
