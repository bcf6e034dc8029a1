#include "amounts.h"

#include <math.h>
#include <string.h>

size_t amounts_size(uint16_t room) {
  return sizeof(struct amounts) + room * (sizeof(uint32_t) + sizeof(struct wide));
}

void amounts_clear(struct amounts *amounts, uint16_t room) {
  memset(amounts, 0, amounts_size(room));
  amounts->limit = UINT32_MAX;
  amounts->room = room;
}

static struct wide *totals_of(const struct amounts *amounts) {
  return (struct wide *)(amounts_subjects(amounts) + amounts->room);
}

static uint32_t largest_of(const uint32_t *subjects, uint32_t room) {
  uint32_t largest = 0;
  for (uint32_t from = 0; from < room; from += ROOM_STEP) {
    for (uint32_t i = 0; i < ROOM_STEP; i++) largest = subjects[from + i] > largest ? subjects[from + i] : largest;
  }
  return largest;
}

/* A place for a subject that is not kept and not above the limit: a free one, or that of the largest. */
static uint32_t make_place(struct amounts *amounts, uint32_t subject) {
  uint32_t *subjects = amounts_subjects(amounts);
  uint32_t place = amounts->kept;
  if (amounts->kept < amounts->room) {
    amounts->kept++;
  } else {
    amounts->is_sample = true;
    place = find_subject(subjects, amounts->kept, amounts->limit);
  }
  subjects[place] = subject;
  totals_of(amounts)[place] = (struct wide){0, 0};
  if (amounts->kept == amounts->room) amounts->limit = largest_of(subjects, amounts->room);
  return place;
}

void amounts_keep(struct amounts *amounts, uint32_t subject, whole_t amount) {
  uint32_t place = find_subject(amounts_subjects(amounts), amounts->kept, subject);
  if (place == amounts->kept) place = make_place(amounts, subject);
  if (!wide_add(totals_of(amounts) + place, amount)) amounts->is_lost = true;
}

/* Each of the smallest subjects of both was kept by both, where it was met, from its first row on. */
static void merge_kept(struct amounts *into, const struct amounts *from) {
  for (uint32_t i = 0; i < from->kept; i++) {
    if (amounts_subjects(from)[i] > into->limit) {
      into->is_sample = true;
    } else {
      amounts_keep(into, amounts_subjects(from)[i], wide_get(totals_of(from) + i));
    }
  }
}

void amounts_merge(struct amounts *into, const struct amounts *from) {
  bool fits = true;
  into->rows += from->rows;
  into->nobody += from->nobody;
  into->is_sample |= from->is_sample;
  into->is_lost |= from->is_lost;
  wide_add(&into->nearest, wide_get(&from->nearest));
  wide_add(&into->rest, wide_get(&from->rest));
  for (int g = 0; g <= NOBODY; g++) {
    into->groups[g].places |= from->groups[g].places;
    fits &= wide_add(&into->groups[g].positive, wide_get(&from->groups[g].positive));
    fits &= wide_add(&into->negative[g], wide_get(&from->negative[g]));
  }
  if (!fits) into->is_lost = true;
  merge_kept(into, from);
}

/* Both are sizes: their difference fits. */
static double group_total(const struct amounts *amounts, int g) {
  return (double)(wide_get(&amounts->groups[g].positive) - wide_get(&amounts->negative[g]));
}

/* What the kept subjects tell: everything when all are kept, else a part. */
static void bound_kept(const struct amounts *amounts, struct bounds *bounds) {
  double totals[MOST_ROOM + 1];
  uint32_t count = 0;
  unsigned __int128 sketch = 0;
  for (; count < amounts->kept; count++) {
    totals[count] = (double)wide_get(totals_of(amounts) + count);
    bounds->non_neutral += totals[count] != 0;
    sketch += (unsigned __int128)sketch_of(amounts_subjects(amounts)[count]);
  }
  bounds->subjects = count;
  wide_set(&bounds->sketch, (whole_t)sketch);
  if (amounts->nobody > 0) totals[count++] = group_total(amounts, NOBODY);
  bound_totals(totals, count, bounds);
}

/*
 * What the groups tell. Amounts of both signs in a group may cancel each other for a subject: its places count for
 * nothing. The second largest subject is in another group than the largest, or has at most half of its group.
 */
static void bound_groups(const struct amounts *amounts, struct bounds *bounds) {
  uint64_t non_neutral = 0;
  double total = 0;
  double largest[2] = {0, 0};
  for (int g = 0; g <= NOBODY; g++) {
    const struct group *group = &amounts->groups[g];
    double positive = (double)wide_get(&group->positive), negative = (double)wide_get(&amounts->negative[g]);
    if (positive == 0 || negative == 0) non_neutral += (uint64_t)__builtin_popcountll(group->places);
    total += fabs(group_total(amounts, g));
    put_largest(largest, positive + negative);
  }
  if (non_neutral > bounds->non_neutral) bounds->non_neutral = non_neutral;
  if (non_neutral > bounds->subjects) bounds->subjects = non_neutral;
  /* Some roundings of doubles: far fewer than 2^6 of them, each by at most 2^-53. */
  bounds->total = total * (1 - 0x1p-46);
  bounds->largest[0] = largest[0] * (1 + 0x1p-46);
  bounds->largest[1] = fmax(largest[1], largest[0] / 2) * (1 + 0x1p-46);
}

void amounts_bound(const struct amounts *amounts, struct bounds *bounds) {
  *bounds = (struct bounds){.is_complete = !amounts->is_sample && !amounts->is_lost};
  if (amounts->is_lost) return;
  bound_kept(amounts, bounds);
  if (!bounds->is_complete) bound_groups(amounts, bounds);
}
