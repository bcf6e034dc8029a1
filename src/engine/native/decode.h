/*
 * From Arrow rows to DuckDB's vector layout (duckdb_vector of duckdb.h), for memory of any owner: the same code fills DuckDB's vectors
 * and, in the fuzzer, plain memory.
 */
#ifndef SLUICE_DECODE_H
#define SLUICE_DECODE_H

#include "arrow-file.h"

/* DuckDB's type ids, with the numbers of `duckdb_type` in duckdb.h (C API v1.2.0). */
enum value_type_id {
  TYPE_BOOLEAN = 1,
  TYPE_TINYINT = 2,
  TYPE_SMALLINT = 3,
  TYPE_INTEGER = 4,
  TYPE_BIGINT = 5,
  TYPE_UTINYINT = 6,
  TYPE_USMALLINT = 7,
  TYPE_UINTEGER = 8,
  TYPE_UBIGINT = 9,
  TYPE_FLOAT = 10,
  TYPE_DOUBLE = 11,
  TYPE_TIMESTAMP = 12,
  TYPE_DATE = 13,
  TYPE_TIME = 14,
  TYPE_INTERVAL = 15,
  TYPE_HUGEINT = 16,
  TYPE_VARCHAR = 17,
  TYPE_BLOB = 18,
  TYPE_DECIMAL = 19,
  TYPE_TIMESTAMP_S = 20,
  TYPE_TIMESTAMP_MS = 21,
  TYPE_TIMESTAMP_NS = 22,
  TYPE_ENUM = 23,
  TYPE_LIST = 24,
  TYPE_STRUCT = 25,
  TYPE_MAP = 26,
  TYPE_UUID = 27,
  TYPE_BIT = 29,
  TYPE_TIME_TZ = 30,
  TYPE_TIMESTAMP_TZ = 31,
  TYPE_UHUGEINT = 32,
  TYPE_ARRAY = 33,
  TYPE_BIGNUM = 35,
  TYPE_SQLNULL = 36,
  TYPE_TIME_NS = 39
};

/* The type that a column shall have in SQL. */
struct value_type {
  int id;
  uint8_t width, scale; /* DECIMAL: its digits; ENUM: `width` is the bytes of its codes */
  uint64_t array_size;  /* ARRAY */
  uint32_t label_count; /* ENUM */
  char **labels;
  uint32_t child_count; /* LIST, ARRAY: 1; MAP: a struct of key and value; STRUCT: its members */
  struct value_type *children;
  char **names; /* STRUCT: of the members */
};
void value_type_release(struct value_type *type);

/* Where rows are written. The functions get a vector of the owner's kind. */
struct sink {
  void *(*data)(void *vector);
  uint64_t *(*validity)(void *vector); /* made writable, all set when it was not there */
  void *(*struct_child)(void *vector, uint32_t index);
  void *(*list_child)(void *vector);
  bool (*list_resize)(void *vector, uint64_t children);
  void *(*array_child)(void *vector);
};

/* Which rows to write where. `nulls_of_parent`: rows whose struct is NULL are NULL too; may be NULL. */
struct slice {
  const struct arrow_batch *batch;
  int64_t start, count;
  const struct sink *sink;
  void *vector;
  const uint64_t *nulls_of_parent;
};

/* How one field becomes one type. */
struct decoder {
  struct arrow_file *file;
  uint32_t field;
  /* `valid`: the slice's validity, or NULL when no row is NULL. False: a row is not sound, or memory is short. */
  bool (*write)(const struct decoder *decoder, const struct slice *slice, uint64_t *valid);
  uint32_t width; /* bytes of a value in the vector */
  bool is_wide;   /* 64-bit offsets */
  uint32_t *labels; /* ENUM: its code for each index of the dictionary */
  uint32_t child_count;
  struct decoder *children;
};

/* False when the field cannot be read as the type. Release the decoder in either case. */
bool decoder_bind(struct decoder *decoder, struct arrow_file *file, uint32_t field, const struct value_type *type);
void decoder_release(struct decoder *decoder);
/* Writes a slice into its vector at row 0. The rows must have passed `arrow_check_rows`. */
bool decoder_write(const struct decoder *decoder, const struct slice *slice);

static inline const struct arrow_array *decoder_array(const struct decoder *decoder, const struct slice *slice) {
  return &slice->batch->arrays[decoder->field];
}
static inline bool row_is_valid(const uint64_t *valid, int64_t row) {
  return valid == NULL || ((valid[row >> 6] >> (row & 63)) & 1);
}

/* Inside decode*.c: the writers. */
typedef bool decode_writer(const struct decoder *, const struct slice *, uint64_t *);
decode_writer write_nulls, write_copy, write_booleans, write_uuids, write_intervals;
decode_writer write_decimals16_of_32, write_decimals16, write_decimals32, write_decimals64;
decode_writer write_text, write_fixed_text, write_dictionary, write_labels;
decode_writer write_struct, write_list, write_array;

#endif
