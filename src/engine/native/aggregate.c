/*
 * Aggregate functions over the subjects of cells (amounts.h, regions.h). ROOM is 16, 32 or 64, subjects are UINTEGER:
 *   sluice_count_ROOM(subject)           each row is an amount of 1
 *   sluice_amounts_ROOM(subject, amount) integers, decimals (in their smallest unit) and doubles (in units of 2^-62)
 *   sluice_regions(subject, region)      subjects per region, as text
 *   sluice_sketch(subject)               names a set of subjects; each must come once
 * Their states lie in the rows of DuckDB's hash tables: it accounts for their memory and frees it.
 */
#include "aggregate.h"

#include "aggregate-result.h"
#include "amounts.h"
#include "counts.h"
#include "decode.h"
#include "regions.h"

#define TYPE_ANY 34
/* How many rows ahead a state is called into the cache. */
#define AHEAD 12

struct aggregate {
  const char *name;
  int parameters[2];
  uint16_t room;
  duckdb_on_size size;
  duckdb_on_state clear;
  duckdb_on_update update;
  duckdb_on_combine merge;
  duckdb_on_finalize finish;
  duckdb_logical_type (*result)(void);
};

/* A chunk as a loop reads it: at most VECTOR_ROWS rows. */
#define VECTOR_ROWS 2048

struct batch {
  duckdb_aggregate_state *states;
  idx_t rows;
  /* Scattered, and whether the row has one; NULL: all have. */
  uint32_t subjects[VECTOR_ROWS];
  const uint64_t *has_subject;
};

static inline bool is_valid(const uint64_t *validity, idx_t row) {
  return validity == NULL || (validity[row / 64] >> row % 64 & 1);
}

static void read_batch(struct batch *batch, duckdb_data_chunk input, duckdb_aggregate_state *states) {
  duckdb_vector vector = duckdb_data_chunk_get_vector(input, 0);
  const uint32_t *subjects = duckdb_vector_get_data(vector);
  batch->states = states;
  batch->rows = duckdb_data_chunk_get_size(input);
  batch->has_subject = duckdb_vector_get_validity(vector);
  for (idx_t row = 0; row < batch->rows; row++) batch->subjects[row] = scatter(subjects[row]);
}

static inline const uint32_t *subject_at(const struct batch *batch, idx_t row) {
  return is_valid(batch->has_subject, row) ? &batch->subjects[row] : NULL;
}

static uint16_t room_of(duckdb_function_info info) {
  return ((const struct aggregate *)duckdb_aggregate_function_get_extra_info(info))->room;
}

static idx_t counts_bytes(duckdb_function_info info) { return counts_size(room_of(info)); }
static void clear_counts(duckdb_function_info info, duckdb_aggregate_state state) { counts_clear(state, room_of(info)); }

static void update_counts(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state *states) {
  (void)info;
  struct batch batch;
  read_batch(&batch, input, states);
  for (idx_t row = 0; row < batch.rows; row++) {
    if (row + AHEAD < batch.rows) {
      struct counts *next = states[row + AHEAD];
      __builtin_prefetch(next);
      __builtin_prefetch(&next->groups[group_of(batch.subjects[row + AHEAD])], 1);
    }
    counts_add(states[row], subject_at(&batch, row));
  }
}

static void merge_counts(duckdb_function_info info, duckdb_aggregate_state *from, duckdb_aggregate_state *into,
                         idx_t count) {
  (void)info;
  for (idx_t i = 0; i < count; i++) counts_merge(into[i], from[i]);
}

static void finish_counts(duckdb_function_info info, duckdb_aggregate_state *states, duckdb_vector result, idx_t count,
                          idx_t offset) {
  (void)info;
  struct amounts_result columns = amounts_result_of(result);
  for (idx_t i = 0; i < count; i++) counts_result_put(&columns, offset + i, states[i]);
}

static idx_t amounts_bytes(duckdb_function_info info) { return amounts_size(room_of(info)); }
static void clear_amounts(duckdb_function_info info, duckdb_aggregate_state state) { amounts_clear(state, room_of(info)); }

/* First the head of a state, then, by what stands there, where the row will be added. */
static inline void call_amounts(const struct batch *batch, idx_t row) {
  if (row + 2 * AHEAD < batch->rows) {
    __builtin_prefetch(batch->states[row + 2 * AHEAD], 1);
  }
  if (row + AHEAD >= batch->rows) return;
  const struct amounts *next = batch->states[row + AHEAD];
  uint32_t subject = batch->subjects[row + AHEAD];
  const struct group *group = &next->groups[group_of(subject)];
  __builtin_prefetch(&group->positive, 1);
  __builtin_prefetch(&group->places, 1);
  if (subject > next->limit) return;
  const uint32_t *subjects = amounts_subjects(next);
  for (uint32_t place = 0; place < next->kept; place += 16) __builtin_prefetch(subjects + place);
  __builtin_prefetch(subjects + next->kept);
}

#define ADD_AMOUNTS(type, value_t, add)                                                \
  for (idx_t row = 0; row < batch.rows; row++) {                                       \
    call_amounts(&batch, row);                                                         \
    if (!is_valid(has_amount, row)) continue;                                          \
    value_t amount = ((const type *)amounts)[row];                                     \
    add(states[row], subject_at(&batch, row), amount);                                 \
  }                                                                                    \
  return
#define ADD_WHOLE(type) ADD_AMOUNTS(type, whole_t, amounts_add)
#define ADD_DOUBLE(type) ADD_AMOUNTS(type, double, amounts_add_double)

static int physical_type(duckdb_vector vector) {
  duckdb_logical_type type = duckdb_vector_get_column_type(vector);
  int id = duckdb_get_type_id(type);
  if (id == TYPE_DECIMAL) id = duckdb_decimal_internal_type(type);
  duckdb_destroy_logical_type(&type);
  return id;
}

static void update_amounts(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state *states) {
  struct batch batch;
  read_batch(&batch, input, states);
  duckdb_vector vector = duckdb_data_chunk_get_vector(input, 1);
  const void *amounts = duckdb_vector_get_data(vector);
  const uint64_t *has_amount = duckdb_vector_get_validity(vector);
  switch (physical_type(vector)) {
    case TYPE_TINYINT: ADD_WHOLE(int8_t);
    case TYPE_SMALLINT: ADD_WHOLE(int16_t);
    case TYPE_INTEGER: ADD_WHOLE(int32_t);
    case TYPE_BIGINT: ADD_WHOLE(int64_t);
    case TYPE_UTINYINT: ADD_WHOLE(uint8_t);
    case TYPE_USMALLINT: ADD_WHOLE(uint16_t);
    case TYPE_UINTEGER: ADD_WHOLE(uint32_t);
    case TYPE_UBIGINT: ADD_WHOLE(uint64_t);
    case TYPE_FLOAT: ADD_DOUBLE(float);
    case TYPE_DOUBLE: ADD_DOUBLE(double);
    case TYPE_HUGEINT:
      for (idx_t row = 0; row < batch.rows; row++) {
        if (!is_valid(has_amount, row)) continue;
        amounts_add(states[row], subject_at(&batch, row), wide_get((const struct wide *)amounts + row));
      }
      return;
    default: duckdb_aggregate_function_set_error(info, "sluice_amounts: type_of_amount");
  }
}

static void merge_amounts(duckdb_function_info info, duckdb_aggregate_state *from, duckdb_aggregate_state *into,
                          idx_t count) {
  (void)info;
  for (idx_t i = 0; i < count; i++) amounts_merge(into[i], from[i]);
}

static void finish_amounts(duckdb_function_info info, duckdb_aggregate_state *states, duckdb_vector result, idx_t count,
                           idx_t offset) {
  (void)info;
  struct amounts_result columns = amounts_result_of(result);
  for (idx_t i = 0; i < count; i++) amounts_result_put(&columns, offset + i, states[i]);
}

static idx_t regions_bytes(duckdb_function_info info) {
  (void)info;
  return sizeof(struct regions);
}

static void clear_regions(duckdb_function_info info, duckdb_aggregate_state state) {
  (void)info;
  regions_clear(state);
}

static void update_regions(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state *states) {
  (void)info;
  struct batch batch;
  read_batch(&batch, input, states);
  const uint32_t *regions = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
  for (idx_t row = 0; row < batch.rows; row++) regions_add(states[row], regions[row], subject_at(&batch, row));
}

static void merge_regions(duckdb_function_info info, duckdb_aggregate_state *from, duckdb_aggregate_state *into,
                          idx_t count) {
  (void)info;
  for (idx_t i = 0; i < count; i++) regions_merge(into[i], from[i]);
}

static void finish_regions(duckdb_function_info info, duckdb_aggregate_state *states, duckdb_vector result, idx_t count,
                           idx_t offset) {
  (void)info;
  for (idx_t i = 0; i < count; i++) regions_result_put(result, offset + i, states[i]);
}

static idx_t sketch_bytes(duckdb_function_info info) {
  (void)info;
  return sizeof(struct wide);
}

static void clear_sketch(duckdb_function_info info, duckdb_aggregate_state state) {
  (void)info;
  wide_set(state, 0);
}

/* Sums modulo 2^128. */
static void add_sketch(struct wide *into, whole_t other) {
  wide_set(into, (whole_t)((unsigned __int128)wide_get(into) + (unsigned __int128)other));
}

static void update_sketch(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state *states) {
  (void)info;
  struct batch batch;
  read_batch(&batch, input, states);
  for (idx_t row = 0; row < batch.rows; row++) {
    if (is_valid(batch.has_subject, row)) add_sketch(states[row], sketch_of(batch.subjects[row]));
  }
}

static void merge_sketch(duckdb_function_info info, duckdb_aggregate_state *from, duckdb_aggregate_state *into,
                         idx_t count) {
  (void)info;
  for (idx_t i = 0; i < count; i++) add_sketch(into[i], wide_get(from[i]));
}

static void finish_sketch(duckdb_function_info info, duckdb_aggregate_state *states, duckdb_vector result, idx_t count,
                          idx_t offset) {
  (void)info;
  struct wide *sketches = duckdb_vector_get_data(result);
  for (idx_t i = 0; i < count; i++) sketches[offset + i] = *(const struct wide *)states[i];
}

static duckdb_logical_type sketch_type(void) { return duckdb_create_logical_type(TYPE_HUGEINT); }

#define COUNT(name, room)                                                                                          \
  {name, {TYPE_UINTEGER, 0}, room, counts_bytes, clear_counts, update_counts, merge_counts, finish_counts,            \
   amounts_type}
#define AMOUNTS(name, room)                                                                                        \
  {name, {TYPE_UINTEGER, TYPE_ANY}, room, amounts_bytes, clear_amounts, update_amounts, merge_amounts,             \
   finish_amounts, amounts_type}

static const struct aggregate aggregates[] = {
    COUNT("sluice_count_16", 16),
    COUNT("sluice_count_32", 32),
    COUNT("sluice_count_64", 64),
    AMOUNTS("sluice_amounts_16", 16),
    AMOUNTS("sluice_amounts_32", 32),
    AMOUNTS("sluice_amounts_64", 64),
    {"sluice_regions", {TYPE_UINTEGER, TYPE_UINTEGER}, 0, regions_bytes, clear_regions, update_regions, merge_regions,
     finish_regions, regions_type},
    {"sluice_sketch", {TYPE_UINTEGER, 0}, 0, sketch_bytes, clear_sketch, update_sketch, merge_sketch, finish_sketch,
     sketch_type},
};

static bool register_aggregate(duckdb_connection connection, const struct aggregate *aggregate) {
  duckdb_aggregate_function function = duckdb_create_aggregate_function();
  duckdb_aggregate_function_set_name(function, aggregate->name);
  for (int i = 0; i < 2 && aggregate->parameters[i] != 0; i++) {
    duckdb_logical_type parameter = duckdb_create_logical_type(aggregate->parameters[i]);
    duckdb_aggregate_function_add_parameter(function, parameter);
    duckdb_destroy_logical_type(&parameter);
  }
  duckdb_logical_type result = aggregate->result();
  duckdb_aggregate_function_set_return_type(function, result);
  duckdb_destroy_logical_type(&result);
  duckdb_aggregate_function_set_special_handling(function);
  duckdb_aggregate_function_set_extra_info(function, (void *)aggregate, NULL);
  duckdb_aggregate_function_set_functions(function, aggregate->size, aggregate->clear, aggregate->update,
                                          aggregate->merge, aggregate->finish);
  bool registered = duckdb_register_aggregate_function(connection, function) == 0;
  duckdb_destroy_aggregate_function(&function);
  return registered;
}

bool register_aggregates(duckdb_connection connection) {
  for (unsigned i = 0; i < sizeof aggregates / sizeof *aggregates; i++) {
    if (!register_aggregate(connection, &aggregates[i])) return false;
  }
  return true;
}
