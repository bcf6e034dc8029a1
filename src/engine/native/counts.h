/*
 * How often each subject of one cell occurs, like amounts.h for amounts of 1. No sample is needed, since a number of
 * occurrences is no mask: the first `room` subjects are kept, and forgotten when there are more.
 */
#ifndef SLUICE_COUNTS_H
#define SLUICE_COUNTS_H

#include <stddef.h>

#include "subjects.h"

struct count_group {
  uint64_t rows;
  uint64_t places;
};

struct counts {
  uint16_t room;
  uint16_t kept;
  /* More subjects were met than there is room for. */
  bool is_sample;
  struct count_group groups[SUBJECT_GROUPS + 1];
  /* Followed by `room` scattered subjects in no order and, for each, its rows as uint64_t. */
};

/* Bytes of a state; `room` is a multiple of ROOM_STEP. */
size_t counts_size(uint16_t room);
void counts_clear(struct counts *counts, uint16_t room);
void counts_merge(struct counts *into, const struct counts *from);
void counts_bound(const struct counts *counts, struct bounds *bounds);
uint64_t counts_rows(const struct counts *counts);

/* Adds rows to a subject while all are kept. */
void counts_keep(struct counts *counts, uint32_t subject, uint64_t rows);

/* `subject`: scattered; NULL for a row without one. */
static inline void counts_add(struct counts *counts, const uint32_t *subject) {
  if (subject == NULL) {
    counts->groups[NOBODY].rows++;
    return;
  }
  struct count_group *group = &counts->groups[group_of(*subject)];
  group->rows++;
  group->places |= place_of(*subject);
  if (!counts->is_sample) counts_keep(counts, *subject, 1);
}

#endif
