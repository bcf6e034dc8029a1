/*
 * How many subjects of one cell stand in each region that the filters of its aggregates cut: exactly while there are
 * few pairs of subject and region, afterwards at least so many by a bitmap for each region. Takes rows in any order.
 */
#ifndef SLUICE_REGIONS_H
#define SLUICE_REGIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MOST_REGIONS 16
#define MOST_PAIRS 64
#define REGION_WORDS 2

struct region {
  uint64_t places[REGION_WORDS];
  uint32_t id;
};

struct regions {
  /* More regions than there is room for: nothing is known. */
  bool is_lost;
  /* More pairs than there is room for. */
  bool is_sample;
  uint16_t count;
  uint16_t pair_count;
  struct region table[MOST_REGIONS];
  /* Region and scattered subject, ascending. */
  uint64_t pairs[MOST_PAIRS];
};

/* Longest text of regions_text, with its end. */
#define REGIONS_TEXT (MOST_REGIONS * 28 + 3)

void regions_clear(struct regions *regions);
/* `subject`: scattered; NULL for a row without one, which makes its region known and counts for nobody. */
void regions_add(struct regions *regions, uint32_t region, const uint32_t *subject);
void regions_merge(struct regions *into, const struct regions *from);
/* Writes `[[region,subjects],…]` in ascending order; answers the length. */
size_t regions_text(const struct regions *regions, char text[REGIONS_TEXT]);

#endif
