/*
 * A memory-mapped file of the Arrow IPC file format (https://arrow.apache.org/docs/format/Columnar.html), little
 * endian, uncompressed. Opening checks every offset and length of the metadata against the file; what depends on
 * the rows themselves (string offsets, dictionary indices) is checked by `arrow_check_rows` once per column and
 * batch, at first use, so that opening takes the same time at any size.
 *
 * Assumption: the file does not shrink while it is mapped (product versions are immutable).
 */
#ifndef SLUICE_ARROW_FILE_H
#define SLUICE_ARROW_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The type union of Arrow's Schema.fbs. */
enum arrow_type {
  ARROW_NULL = 1,
  ARROW_INT = 2,
  ARROW_FLOAT = 3,
  ARROW_BINARY = 4,
  ARROW_UTF8 = 5,
  ARROW_BOOL = 6,
  ARROW_DECIMAL = 7,
  ARROW_DATE = 8,
  ARROW_TIME = 9,
  ARROW_TIMESTAMP = 10,
  ARROW_INTERVAL = 11,
  ARROW_LIST = 12,
  ARROW_STRUCT = 13,
  ARROW_FIXED_BINARY = 15,
  ARROW_FIXED_LIST = 16,
  ARROW_MAP = 17,
  ARROW_LARGE_BINARY = 19,
  ARROW_LARGE_UTF8 = 20,
  ARROW_LARGE_LIST = 21
};

enum arrow_unit { ARROW_SECOND = 0, ARROW_MILLISECOND = 1, ARROW_MICROSECOND = 2, ARROW_NANOSECOND = 3 };

/* What is wrong with a file, as a code; never a value of the file. */
enum arrow_error {
  ARROW_OK = 0,
  ARROW_CANNOT_OPEN,
  ARROW_NO_MEMORY,
  ARROW_NOT_ARROW,
  ARROW_BAD_METADATA,
  ARROW_BAD_BUFFER,
  ARROW_UNSUPPORTED,
  ARROW_BAD_ROWS
};

/* One field of the schema tree, in depth-first order; a field's children follow it. */
struct arrow_field {
  const char *name; /* not terminated, in the mapping */
  uint32_t name_bytes;
  enum arrow_type type;
  bool is_signed;
  bool has_timezone;
  int16_t unit;
  int32_t bits;  /* INT, FLOAT, DECIMAL, TIME: bits of a value; FIXED_BINARY: 8 * bytes */
  int32_t scale; /* DECIMAL: scale; FIXED_LIST: elements of a list */
  int32_t precision;
  uint32_t child_count;
  uint32_t span; /* fields of this subtree, itself included */
  bool is_dictionary;
  int64_t dictionary_id;
  uint8_t index_bytes; /* dictionary indices */
  bool index_signed;
  int32_t dictionary; /* place in `dictionaries`, -1 without */
};

/* The rows of one field in one batch. Pointers lead into the mapping and are aligned to 8 bytes. */
struct arrow_array {
  int64_t length;
  int64_t null_count;
  const uint8_t *validity; /* NULL: no nulls */
  const uint8_t *values;   /* fixed-width values, bits, dictionary indices or offsets */
  const uint8_t *bytes;    /* what the offsets of a string column point into */
  int64_t byte_count;
  _Atomic uint8_t checked; /* 0 not yet, 1 rows are sound, 2 they are not */
};

struct arrow_batch {
  int64_t length;
  struct arrow_array *arrays; /* one per field of the tree */
};

/* A 16-byte string as DuckDB lays it out (duckdb_string_t of duckdb.h): up to 12 bytes inline, else prefix and pointer. */
struct string_view {
  uint32_t length;
  char prefix[4];
  const char *pointer;
};

struct arrow_dictionary {
  int64_t id;
  uint32_t field;            /* whose value type it has */
  uint32_t part_count;       /* a first batch and deltas */
  struct arrow_array *parts; /* of the value type */
  int64_t count;             /* values of all parts */
  /* Built at first use under the file's lock, by `arrow_dictionary_views`. */
  struct string_view *_Atomic views;
  bool has_nulls;
};

struct arrow_file {
  const uint8_t *base;
  size_t size;
  bool is_mapped;
  uint32_t field_count; /* of the whole tree */
  struct arrow_field *fields;
  uint32_t column_count;
  uint32_t *columns; /* the tree's roots */
  uint32_t batch_count;
  struct arrow_batch *batches;
  struct arrow_array *batch_arrays;
  uint32_t dictionary_count;
  struct arrow_dictionary *dictionaries;
  int64_t row_count;
};

const char *arrow_error_text(enum arrow_error error);

/* Maps and checks a file. On failure `*out` is NULL. */
enum arrow_error arrow_open(const char *path, struct arrow_file **out);
/* The same over bytes in memory that stay the caller's (8-byte aligned): for the fuzzer. */
enum arrow_error arrow_open_memory(const uint8_t *bytes, size_t size, struct arrow_file **out);
void arrow_close(struct arrow_file *file);

/* Whether all rows of a field and its children in a batch can be followed. Remembered; safe from several threads. */
bool arrow_check_rows(const struct arrow_file *file, const struct arrow_batch *batch, uint32_t field);
/* The values of a dictionary as string views; NULL when its rows are not sound or memory is short. */
const struct string_view *arrow_dictionary_views(struct arrow_dictionary *dictionary, const struct arrow_file *file);
bool arrow_dictionary_is_null(const struct arrow_dictionary *dictionary, int64_t index);

static inline bool arrow_bit(const uint8_t *bits, int64_t index) { return (bits[index >> 3] >> (index & 7)) & 1; }

/* Inside arrow-*.c */
struct flatbuffer;
struct flat_table;
enum arrow_error arrow_read_schema(struct arrow_file *file, const struct flat_table *schema);
enum arrow_error arrow_read_batches(struct arrow_file *file, const struct flat_table *footer, uint64_t footer_at);
void arrow_make_view(struct string_view *view, const char *text, uint64_t length);

#endif
