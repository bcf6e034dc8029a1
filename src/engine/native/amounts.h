/*
 * What is known about the subjects of one cell and what they contribute to one sum, in a state of fixed size that takes
 * rows in any order and in any parts: equal rows give equal answers, so a result does not depend on threads.
 *
 * Subjects are numbers of 32 bits, scattered by a bijection (subjects.h). The `room` subjects with the smallest scattered
 * numbers are kept with their exact totals: while no other was met, everything is known exactly; afterwards they are a
 * sample of the subjects, each still whole, because who once was too large for the sample stays so. All subjects fall
 * into eight groups with exact sums, and a bitmap of 64 places each: set places are so many subjects at least, and nobody
 * contributes more than its group. Amounts are whole numbers of 128 bits; a double is taken in units of 2^-62.
 */
#ifndef SLUICE_AMOUNTS_H
#define SLUICE_AMOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "subjects.h"

struct group {
  /* Sum of the amounts above 0. */
  struct wide positive;
  uint64_t places;
};

struct amounts {
  /* Once the room is full no subject above it is kept. */
  uint32_t limit;
  uint16_t room;
  uint16_t kept;
  /* Rows with an amount, and those among them without a subject. */
  uint64_t rows;
  uint64_t nobody;
  /* Of doubles: sums of the nearest whole numbers and of the rests in units of 2^-62. */
  struct wide nearest;
  struct wide rest;
  /* A subject was met for which there was no room. */
  bool is_sample;
  /* A sum left its 128 bits: nothing is known. */
  bool is_lost;
  /* Subjects by group; the last one holds the rows without a subject. */
  struct group groups[SUBJECT_GROUPS + 1];
  /* Sums of the sizes of the amounts below 0; apart, since most columns have none. */
  struct wide negative[SUBJECT_GROUPS + 1];
  /* Followed by `room` scattered subjects in no order and, for each, a struct wide. */
};

/* Bytes of a state; `room` is even and at most MOST_ROOM. */
size_t amounts_size(uint16_t room);
void amounts_clear(struct amounts *amounts, uint16_t room);

void amounts_merge(struct amounts *into, const struct amounts *from);
void amounts_bound(const struct amounts *amounts, struct bounds *bounds);

/* Adds to the total of a subject that is not above the limit. */
void amounts_keep(struct amounts *amounts, uint32_t subject, whole_t amount);

/* Scattered subjects that are kept. */
static inline uint32_t *amounts_subjects(const struct amounts *amounts) { return (uint32_t *)(amounts + 1); }

/* What is called for every row stands here, so that it becomes part of the caller's loop. */

static inline void amounts_add_to(struct amounts *amounts, uint32_t group, whole_t amount) {
  bool fits = true;
  if (amount > 0) fits = wide_add(&amounts->groups[group].positive, amount);
  /* The least number has no size. */
  if (amount < 0) fits = amount != WHOLE_LEAST && wide_add(&amounts->negative[group], -amount);
  if (!fits) amounts->is_lost = true;
}

/* `subject`: scattered; NULL for a row without one. */
static inline void amounts_add(struct amounts *amounts, const uint32_t *subject, whole_t amount) {
  amounts->rows++;
  if (subject == NULL) {
    amounts->nobody++;
    amounts_add_to(amounts, NOBODY, amount);
    return;
  }
  uint32_t group = group_of(*subject);
  amounts_add_to(amounts, group, amount);
  if (amount != 0) amounts->groups[group].places |= place_of(*subject);
  if (*subject <= amounts->limit) {
    amounts_keep(amounts, *subject, amount);
  } else {
    amounts->is_sample = true;
  }
}

#define REST_BITS 62

/* A double counts as missing where it is not a number or its size is 2^63 and beyond. */
static inline void amounts_add_double(struct amounts *amounts, const uint32_t *subject, double amount) {
  if (!(amount > -0x1p63 && amount < 0x1p63)) return;
  int64_t nearest = (int64_t)amount;
  double over = amount - (double)nearest;
  /* To the nearest, halves away from 0, as round() does. Beyond 2^52 nothing is over. */
  if (over >= 0.5) {
    nearest++;
    over -= 1;
  } else if (over <= -0.5) {
    nearest--;
    over += 1;
  }
  int64_t rest = __builtin_llrint(over * (double)(1ULL << REST_BITS));
  /* Fewer than 2^64 rows cannot leave 128 bits here. */
  wide_add(&amounts->nearest, nearest);
  wide_add(&amounts->rest, rest);
  amounts_add(amounts, subject, (whole_t)nearest * ((whole_t)1 << REST_BITS) + rest);
}

#endif
