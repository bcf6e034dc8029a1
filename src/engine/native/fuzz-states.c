/*
 * Property test of the states of aggregates: `fuzz-states CASES SEED`. Each case makes rows of one cell, adds them to a
 * state in order, and to several states that are merged in another order; both must tell the same, and nothing that is
 * not so by counting. Built with AddressSanitizer and UBSan. The same seed gives the same cases.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amounts.h"
#include "counts.h"
#include "regions.h"

#define MOST_ROWS 600
#define MOST_SUBJECTS 200
#define STATES 3
#define CHECK(holds)                                                             \
  do {                                                                           \
    if (!(holds)) {                                                              \
      fprintf(stderr, "case %ld: %s does not hold\n", current_case, #holds);     \
      exit(1);                                                                   \
    }                                                                            \
  } while (0)

static long current_case;
static uint64_t random_state;
static uint64_t random_next(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}
static uint64_t random_below(uint64_t limit) { return random_next() % limit; }

struct row {
  bool has_subject;
  /* Ordinal; 0 is a subject that scatters to 0. */
  uint32_t subject;
  whole_t amount;
  double number;
  uint32_t region;
};

struct rows {
  bool are_doubles;
  uint32_t count;
  uint32_t subjects;
  uint16_t room;
  struct row row[MOST_ROWS];
};

/* What counting tells, with the rows of nobody as one more subject in totals. */
struct counted {
  uint64_t subjects, non_neutral, off_mode;
  double total, largest[2];
};

static whole_t random_amount(uint64_t kind) {
  switch (kind) {
    case 0: return (whole_t)random_below(3);
    case 1: return (whole_t)random_below(2000) - 1000;
    case 2: return 5;
    case 3: return (whole_t)((unsigned __int128)1 << 126) - (whole_t)random_below(2);
    case 4: return WHOLE_LEAST + (whole_t)random_below(2);
    default: return (whole_t)random_next() * (whole_t)random_below(1000000);
  }
}

static double random_number(uint64_t kind) {
  switch (kind) {
    case 0: return (double)random_below(3) / 8;
    case 1: return ((double)random_below(2000) - 1000) / 1024;
    case 2: return 0.5;
    case 3: return (double)random_next();
    case 4: return random_below(4) == 0 ? NAN : random_below(3) == 0 ? INFINITY : -0x1p63;
    default: return (double)random_below(1000000) * 1.25;
  }
}

static void make_rows(struct rows *rows) {
  uint64_t kind = random_below(6);
  uint64_t regions = random_below(3) == 0 ? 40 : 4;
  rows->count = (uint32_t)random_below(random_below(2) == 0 ? 40 : MOST_ROWS);
  rows->subjects = 1 + (uint32_t)random_below(random_below(2) == 0 ? 20 : MOST_SUBJECTS);
  rows->room = (uint16_t)(ROOM_STEP << random_below(3));
  rows->are_doubles = random_below(2) == 0;
  for (uint32_t i = 0; i < rows->count; i++) {
    uint64_t own = random_below(8) == 0 ? random_below(3) : kind;
    rows->row[i] = (struct row){.has_subject = random_below(20) > 0,
                                .subject = (uint32_t)random_below(rows->subjects),
                                .amount = random_amount(own),
                                .number = random_number(own),
                                .region = (uint32_t)random_below(regions)};
  }
}

static void shuffle(struct rows *rows) {
  for (uint32_t i = rows->count; i > 1; i--) {
    uint32_t other = (uint32_t)random_below(i);
    struct row row = rows->row[i - 1];
    rows->row[i - 1] = rows->row[other];
    rows->row[other] = row;
  }
}

static void put_total(struct counted *counted, const double *totals, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    uint64_t same = 0;
    for (uint32_t j = 0; j < count; j++) same += totals[j] == totals[i];
    if (i == 0 || count - same < counted->off_mode) counted->off_mode = count - same;
    counted->total += fabs(totals[i]);
    put_largest(counted->largest, fabs(totals[i]));
  }
}

/* Exact amounts of a row in the unit of the state; false when it has none. */
static bool amount_of(const struct rows *rows, const struct row *row, whole_t *amount) {
  *amount = row->amount;
  if (!rows->are_doubles) return true;
  if (!(fabs(row->number) < 0x1p63)) return false;
  *amount = (whole_t)row->number * ((whole_t)1 << REST_BITS);
  *amount += (whole_t)((row->number - trunc(row->number)) * 0x1p62);
  return true;
}

static struct counted count_rows(const struct rows *rows, bool is_count) {
  static whole_t sums[MOST_SUBJECTS + 1];
  static bool is_there[MOST_SUBJECTS + 1];
  double totals[MOST_SUBJECTS + 1];
  struct counted counted = {0};
  uint32_t count = 0;
  memset(sums, 0, sizeof sums);
  memset(is_there, 0, sizeof is_there);
  for (uint32_t i = 0; i < rows->count; i++) {
    const struct row *row = &rows->row[i];
    uint32_t place = row->has_subject ? row->subject : MOST_SUBJECTS;
    whole_t amount;
    if (!amount_of(rows, row, &amount) && !is_count) continue;
    is_there[place] = true;
    sums[place] = (whole_t)((unsigned __int128)sums[place] + (unsigned __int128)(is_count ? 1 : amount));
  }
  for (uint32_t i = 0; i <= MOST_SUBJECTS; i++) {
    if (!is_there[i]) continue;
    counted.subjects += i < MOST_SUBJECTS;
    counted.non_neutral += i < MOST_SUBJECTS && sums[i] != 0;
    totals[count++] = (double)sums[i];
  }
  put_total(&counted, totals, count);
  return counted;
}

static bool is_near(double left, double right) { return fabs(left - right) <= 1e-12 * fabs(right); }

static void check_bounds(const struct bounds *bounds, const struct counted *counted, bool has_mode) {
  if (bounds->is_complete) {
    CHECK(bounds->subjects == counted->subjects);
    CHECK(bounds->non_neutral == counted->non_neutral);
    CHECK(bounds->off_mode == counted->off_mode);
    CHECK(is_near(bounds->total, counted->total));
    CHECK(bounds->largest[0] == counted->largest[0] && bounds->largest[1] == counted->largest[1]);
    return;
  }
  CHECK(bounds->subjects <= counted->subjects);
  CHECK(bounds->non_neutral <= counted->non_neutral);
  CHECK(!has_mode || bounds->off_mode <= counted->off_mode);
  CHECK(bounds->total <= counted->total);
  CHECK(bounds->largest[0] >= counted->largest[0] && bounds->largest[1] >= counted->largest[1]);
}

static void check_same(const struct bounds *left, const struct bounds *right) {
  CHECK(left->is_complete == right->is_complete);
  CHECK(left->subjects == right->subjects && left->non_neutral == right->non_neutral);
  CHECK(left->off_mode == right->off_mode && left->total == right->total);
  CHECK(left->largest[0] == right->largest[0] && left->largest[1] == right->largest[1]);
  CHECK(!left->is_complete || wide_get(&left->sketch) == wide_get(&right->sketch));
}

static const uint32_t *subject_in(const struct row *row, uint32_t *scattered) {
  *scattered = scatter(row->subject);
  return row->has_subject ? scattered : NULL;
}

static void add_amount(struct amounts *amounts, const struct rows *rows, const struct row *row) {
  uint32_t scattered;
  const uint32_t *subject = subject_in(row, &scattered);
  if (rows->are_doubles) amounts_add_double(amounts, subject, row->number);
  if (!rows->are_doubles) amounts_add(amounts, subject, row->amount);
}

static void fuzz_amounts(struct rows *rows, long *tally) {
  struct amounts *whole = malloc(amounts_size(rows->room));
  struct amounts *parts[STATES];
  amounts_clear(whole, rows->room);
  for (uint32_t i = 0; i < rows->count; i++) add_amount(whole, rows, &rows->row[i]);
  shuffle(rows);
  for (int s = 0; s < STATES; s++) amounts_clear(parts[s] = malloc(amounts_size(rows->room)), rows->room);
  for (uint32_t i = 0; i < rows->count; i++) add_amount(parts[random_below(STATES)], rows, &rows->row[i]);
  amounts_merge(parts[1], parts[2]);
  amounts_merge(parts[0], parts[1]);
  struct bounds bounds, merged;
  amounts_bound(whole, &bounds);
  amounts_bound(parts[0], &merged);
  /* A sum may leave 128 bits in one order and not in another: then only one of both knows nothing. */
  if (!whole->is_lost && !parts[0]->is_lost) {
    check_same(&bounds, &merged);
    CHECK(whole->rows == parts[0]->rows);
    CHECK(wide_get(&whole->nearest) == wide_get(&parts[0]->nearest));
    CHECK(wide_get(&whole->rest) == wide_get(&parts[0]->rest));
  }
  struct counted counted = count_rows(rows, false);
  if (!whole->is_lost) check_bounds(&bounds, &counted, true);
  if (!parts[0]->is_lost) check_bounds(&merged, &counted, true);
  if (whole->is_lost) CHECK(!bounds.is_complete && bounds.subjects == 0 && bounds.non_neutral == 0);
  tally[whole->is_lost ? 2 : bounds.is_complete ? 0 : 1]++;
  free(whole);
  for (int s = 0; s < STATES; s++) free(parts[s]);
}

static void fuzz_counts(struct rows *rows) {
  struct counts *whole = malloc(counts_size(rows->room));
  struct counts *parts[STATES];
  uint32_t scattered;
  counts_clear(whole, rows->room);
  for (uint32_t i = 0; i < rows->count; i++) counts_add(whole, subject_in(&rows->row[i], &scattered));
  shuffle(rows);
  for (int s = 0; s < STATES; s++) counts_clear(parts[s] = malloc(counts_size(rows->room)), rows->room);
  for (uint32_t i = 0; i < rows->count; i++) {
    counts_add(parts[random_below(STATES)], subject_in(&rows->row[i], &scattered));
  }
  counts_merge(parts[2], parts[0]);
  counts_merge(parts[1], parts[2]);
  struct bounds bounds, merged;
  counts_bound(whole, &bounds);
  counts_bound(parts[1], &merged);
  check_same(&bounds, &merged);
  CHECK(counts_rows(whole) == rows->count && counts_rows(parts[1]) == rows->count);
  struct counted counted = count_rows(rows, true);
  check_bounds(&bounds, &counted, false);
  free(whole);
  for (int s = 0; s < STATES; s++) free(parts[s]);
}

static uint32_t subjects_in_region(const struct rows *rows, uint32_t region) {
  bool is_there[MOST_SUBJECTS] = {false};
  uint32_t subjects = 0;
  for (uint32_t i = 0; i < rows->count; i++) {
    const struct row *row = &rows->row[i];
    if (!row->has_subject || row->region != region || is_there[row->subject]) continue;
    is_there[row->subject] = true;
    subjects++;
  }
  return subjects;
}

static void fuzz_regions(struct rows *rows, long *tally) {
  struct regions whole, parts[STATES];
  char text[REGIONS_TEXT], merged[REGIONS_TEXT];
  uint32_t scattered;
  regions_clear(&whole);
  for (uint32_t i = 0; i < rows->count; i++) {
    regions_add(&whole, rows->row[i].region, subject_in(&rows->row[i], &scattered));
  }
  shuffle(rows);
  for (int s = 0; s < STATES; s++) regions_clear(&parts[s]);
  for (uint32_t i = 0; i < rows->count; i++) {
    regions_add(&parts[random_below(STATES)], rows->row[i].region, subject_in(&rows->row[i], &scattered));
  }
  regions_merge(&parts[0], &parts[1]);
  regions_merge(&parts[0], &parts[2]);
  CHECK(whole.is_lost == parts[0].is_lost);
  tally[whole.is_lost ? 2 : whole.is_sample ? 1 : 0]++;
  if (whole.is_lost) return;
  CHECK(whole.is_sample == parts[0].is_sample);
  CHECK(regions_text(&whole, text) == regions_text(&parts[0], merged) && strcmp(text, merged) == 0);
  uint32_t region, subjects, regions = 0;
  int taken = 0;
  for (const char *rest = text; sscanf(rest, "%*1[[,][%u,%u]%n", &region, &subjects, &taken) == 2; rest += taken) {
    uint32_t counted = subjects_in_region(rows, region);
    CHECK(whole.is_sample ? subjects <= counted : subjects == counted);
    regions++;
  }
  CHECK(regions == whole.count);
}

int main(int count, char **arguments) {
  if (count != 3) return 2;
  static struct rows rows;
  long cases = atol(arguments[1]), amounts[3] = {0}, regions[3] = {0};
  random_state = (uint64_t)atol(arguments[2]) * 0x9e3779b97f4a7c15ULL | 1;
  for (current_case = 0; current_case < cases; current_case++) {
    make_rows(&rows);
    fuzz_amounts(&rows, amounts);
    fuzz_counts(&rows);
    fuzz_regions(&rows, regions);
  }
  printf("{\"cases\":%ld,\"complete\":%ld,\"bounded\":%ld,\"lost\":%ld,", cases, amounts[0], amounts[1], amounts[2]);
  printf("\"regions_complete\":%ld,\"regions_bounded\":%ld,\"regions_lost\":%ld}\n", regions[0], regions[1], regions[2]);
  return 0;
}
