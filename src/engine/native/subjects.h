/* What the states of cells share: subjects as scattered numbers, sums of 128 bits, and what is known in the end. */
#ifndef SLUICE_SUBJECTS_H
#define SLUICE_SUBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#define SUBJECT_GROUPS 8
#define SUBJECT_PLACES 64
/* Rows without a subject have a group of their own. */
#define NOBODY SUBJECT_GROUPS
/* Subjects that a state keeps: a multiple of ROOM_STEP, at most MOST_ROOM. */
#define ROOM_STEP 16
#define MOST_ROOM 64

typedef __int128 whole_t;
#define WHOLE_LEAST ((whole_t)((unsigned __int128)1 << 127))

/* States lie at multiples of 8 bytes: the compiler must not take them for aligned to 16. */
struct wide {
  uint64_t low;
  uint64_t high;
};

struct bounds {
  /* Whether all numbers are exact; otherwise the next four are at least, the largest at most so large. */
  bool is_complete;
  uint64_t subjects;
  uint64_t non_neutral;
  /* Subjects whose total is not the most frequent one; rows without a subject count as one more. */
  uint64_t off_mode;
  double total;
  double largest[2];
  /* Sum of a number of 128 bits of each subject, modulo 2^128: names the set of subjects. Only when complete. */
  struct wide sketch;
};

/* The finalizer of MurmurHash3, which is in the public domain: a bijection in which every bit moves every other. */
static inline uint32_t scatter(uint32_t subject) {
  subject ^= subject >> 16;
  subject *= 0x85ebca6bU;
  subject ^= subject >> 13;
  subject *= 0xc2b2ae35U;
  return subject ^ subject >> 16;
}

/* What a scattered subject adds to the sketch of a set. */
whole_t sketch_of(uint32_t subject);

/* The group of a subject, and its place there as a bit. */
static inline uint32_t group_of(uint32_t subject) { return subject % SUBJECT_GROUPS; }
static inline uint64_t place_of(uint32_t subject) { return 1ULL << (subject / SUBJECT_GROUPS % SUBJECT_PLACES); }

static inline whole_t wide_get(const struct wide *wide) {
  return (whole_t)((unsigned __int128)wide->high << 64 | wide->low);
}

static inline void wide_set(struct wide *wide, whole_t value) {
  wide->low = (uint64_t)value;
  wide->high = (uint64_t)((unsigned __int128)value >> 64);
}

static inline bool wide_add(struct wide *wide, whole_t value) {
  whole_t sum;
  bool fits = !__builtin_add_overflow(wide_get(wide), value, &sum);
  if (fits) wide_set(wide, sum);
  return fits;
}

/*
 * Where a subject stands among the first `kept` of `subjects`, which have room for a multiple of ROOM_STEP and differ;
 * `kept` when nowhere. What stands beyond `kept` may be equal to it: 0 is a subject too.
 */
static inline uint32_t find_subject(const uint32_t *subjects, uint32_t kept, uint32_t subject) {
  for (uint32_t from = 0; from < kept; from += ROOM_STEP) {
    /* Without branches, for vectors of numbers; a place counts from 1. */
    uint32_t found = 0;
    for (uint32_t i = 0; i < ROOM_STEP; i++) found |= (subjects[from + i] == subject) & (from + i < kept) ? i + 1 : 0;
    if (found > 0) return from + found - 1;
  }
  return kept;
}

/* Ends with what totals tell: their size, the two largest, and how many are not the most frequent one. Sorts them. */
void bound_totals(double *totals, uint32_t count, struct bounds *bounds);

/* Puts a size among the two largest. */
static inline void put_largest(double largest[2], double size) {
  if (size > largest[0]) {
    largest[1] = largest[0];
    largest[0] = size;
  } else if (size > largest[1]) {
    largest[1] = size;
  }
}

#endif
