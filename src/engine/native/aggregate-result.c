#include "aggregate-result.h"

#include "decode.h"

#define MOST_MEMBERS 11

struct member {
  const char *name;
  int type;
};

static const struct member amounts_members[] = {
    {"complete", TYPE_BOOLEAN}, {"n", TYPE_BIGINT},     {"subjects", TYPE_BIGINT}, {"nonneutral", TYPE_BIGINT},
    {"off", TYPE_BIGINT},       {"total", TYPE_DOUBLE}, {"first", TYPE_DOUBLE},    {"second", TYPE_DOUBLE},
    {"nearest", TYPE_HUGEINT},  {"rest", TYPE_HUGEINT}, {"sketch", TYPE_HUGEINT},
};
static const struct member regions_members[] = {{"complete", TYPE_BOOLEAN}, {"lost", TYPE_BOOLEAN}, {"list", TYPE_VARCHAR}};

static duckdb_logical_type struct_of(const struct member *members, unsigned count) {
  duckdb_logical_type types[MOST_MEMBERS];
  const char *names[MOST_MEMBERS];
  for (unsigned i = 0; i < count; i++) {
    types[i] = duckdb_create_logical_type(members[i].type);
    names[i] = members[i].name;
  }
  duckdb_logical_type type = duckdb_create_struct_type(types, names, count);
  for (unsigned i = 0; i < count; i++) duckdb_destroy_logical_type(&types[i]);
  return type;
}

static void *data_of(duckdb_vector result, idx_t member) {
  return duckdb_vector_get_data(duckdb_struct_vector_get_child(result, member));
}

duckdb_logical_type amounts_type(void) {
  return struct_of(amounts_members, sizeof amounts_members / sizeof *amounts_members);
}

struct amounts_result amounts_result_of(duckdb_vector result) {
  return (struct amounts_result){
      .complete = data_of(result, 0),
      .rows = data_of(result, 1),
      .subjects = data_of(result, 2),
      .non_neutral = data_of(result, 3),
      .off_mode = data_of(result, 4),
      .total = data_of(result, 5),
      .first = data_of(result, 6),
      .second = data_of(result, 7),
      .nearest = data_of(result, 8),
      .rest = data_of(result, 9),
      .sketch = data_of(result, 10),
  };
}

static void put_bounds(struct amounts_result *columns, idx_t row, const struct bounds *bounds) {
  columns->complete[row] = bounds->is_complete;
  columns->subjects[row] = (int64_t)bounds->subjects;
  columns->non_neutral[row] = (int64_t)bounds->non_neutral;
  columns->off_mode[row] = (int64_t)bounds->off_mode;
  columns->total[row] = bounds->total;
  columns->first[row] = bounds->largest[0];
  columns->second[row] = bounds->largest[1];
  columns->sketch[row] = bounds->sketch;
}

void amounts_result_put(struct amounts_result *columns, idx_t row, const struct amounts *amounts) {
  struct bounds bounds;
  amounts_bound(amounts, &bounds);
  put_bounds(columns, row, &bounds);
  columns->rows[row] = (int64_t)amounts->rows;
  columns->nearest[row] = amounts->nearest;
  columns->rest[row] = amounts->rest;
}

void counts_result_put(struct amounts_result *columns, idx_t row, const struct counts *counts) {
  struct bounds bounds;
  counts_bound(counts, &bounds);
  put_bounds(columns, row, &bounds);
  columns->rows[row] = (int64_t)counts_rows(counts);
  columns->nearest[row] = columns->rest[row] = (struct wide){0, 0};
}

duckdb_logical_type regions_type(void) {
  return struct_of(regions_members, sizeof regions_members / sizeof *regions_members);
}

void regions_result_put(duckdb_vector result, idx_t row, const struct regions *regions) {
  char text[REGIONS_TEXT];
  size_t length = regions_text(regions, text);
  ((bool *)data_of(result, 0))[row] = !regions->is_sample && !regions->is_lost;
  ((bool *)data_of(result, 1))[row] = regions->is_lost;
  duckdb_vector_assign_string_element_len(duckdb_struct_vector_get_child(result, 2), row, text, length);
}
