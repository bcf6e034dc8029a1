#include "regions.h"

#include <stdio.h>
#include <string.h>

void regions_clear(struct regions *regions) { memset(regions, 0, sizeof *regions); }

/* The region's entry, in ascending order of regions; NULL when there is no room for it. */
static struct region *entry_of(struct regions *regions, uint32_t id) {
  uint16_t place = 0;
  while (place < regions->count && regions->table[place].id < id) place++;
  struct region *entry = &regions->table[place];
  if (place < regions->count && entry->id == id) return entry;
  if (regions->count == MOST_REGIONS) {
    regions->is_lost = true;
    return NULL;
  }
  memmove(entry + 1, entry, (size_t)(regions->count - place) * sizeof *entry);
  regions->count++;
  *entry = (struct region){.id = id};
  return entry;
}

static void add_pair(struct regions *regions, uint64_t pair) {
  if (regions->is_sample) return;
  uint16_t place = 0;
  while (place < regions->pair_count && regions->pairs[place] < pair) place++;
  uint64_t *entry = &regions->pairs[place];
  if (place < regions->pair_count && *entry == pair) return;
  if (regions->pair_count == MOST_PAIRS) {
    regions->is_sample = true;
    return;
  }
  memmove(entry + 1, entry, (size_t)(regions->pair_count - place) * sizeof *entry);
  regions->pair_count++;
  *entry = pair;
}

void regions_add(struct regions *regions, uint32_t region, const uint32_t *subject) {
  struct region *entry = entry_of(regions, region);
  if (entry == NULL || subject == NULL) return;
  entry->places[*subject / 64 % REGION_WORDS] |= 1ULL << (*subject % 64);
  add_pair(regions, (uint64_t)region << 32 | *subject);
}

void regions_merge(struct regions *into, const struct regions *from) {
  into->is_lost |= from->is_lost;
  into->is_sample |= from->is_sample;
  for (uint16_t i = 0; i < from->count; i++) {
    struct region *entry = entry_of(into, from->table[i].id);
    for (int word = 0; entry != NULL && word < REGION_WORDS; word++) entry->places[word] |= from->table[i].places[word];
  }
  for (uint16_t i = 0; i < from->pair_count; i++) add_pair(into, from->pairs[i]);
}

static uint32_t subjects_in(const struct regions *regions, const struct region *region) {
  uint32_t subjects = 0;
  if (regions->is_sample) {
    for (int word = 0; word < REGION_WORDS; word++) subjects += (uint32_t)__builtin_popcountll(region->places[word]);
    return subjects;
  }
  for (uint16_t i = 0; i < regions->pair_count; i++) subjects += regions->pairs[i] >> 32 == region->id;
  return subjects;
}

size_t regions_text(const struct regions *regions, char text[REGIONS_TEXT]) {
  size_t length = 0;
  text[length++] = '[';
  for (uint16_t i = 0; i < regions->count; i++) {
    const struct region *region = &regions->table[i];
    length += (size_t)snprintf(text + length, REGIONS_TEXT - length, "%s[%u,%u]", i == 0 ? "" : ",", region->id,
                               subjects_in(regions, region));
  }
  text[length++] = ']';
  text[length] = 0;
  return length;
}
