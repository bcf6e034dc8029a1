/*
 * Bounds-checked reading of FlatBuffers (https://flatbuffers.dev/internals/): just what Arrow's metadata needs.
 *
 * The first read outside the buffer sets `bad` and every later read answers zero, so a caller reads a whole
 * table and asks once. INVARIANT: no function here touches a byte outside [data, data + size).
 */
#ifndef SLUICE_FLATBUFFER_H
#define SLUICE_FLATBUFFER_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct flatbuffer {
  const uint8_t *data;
  uint32_t size;
  bool bad;
};

/* A table inside a flatbuffer. `at` = 0 means absent: all its fields have their default. */
struct flat_table {
  struct flatbuffer *buffer;
  uint32_t at;
  uint32_t vtable;
  uint32_t vtable_size;
};

/* A vector's elements: `count` of them from byte `at`. */
struct flat_vector {
  uint32_t at;
  uint32_t count;
};

static inline bool flat_has(struct flatbuffer *buffer, uint64_t at, uint64_t bytes) {
  if (!buffer->bad && at <= buffer->size && bytes <= buffer->size - at) return true;
  buffer->bad = true;
  return false;
}

static inline uint64_t flat_read(struct flatbuffer *buffer, uint64_t at, unsigned bytes) {
  uint64_t value = 0;
  if (flat_has(buffer, at, bytes)) memcpy(&value, buffer->data + at, bytes);
  return value;
}

static inline int64_t flat_i64(struct flatbuffer *buffer, uint64_t at) { return (int64_t)flat_read(buffer, at, 8); }
static inline int32_t flat_i32(struct flatbuffer *buffer, uint64_t at) {
  return (int32_t)(uint32_t)flat_read(buffer, at, 4);
}

/* Where the unsigned offset stored at `at` leads; 0 when that is outside. */
static inline uint32_t flat_follow(struct flatbuffer *buffer, uint64_t at) {
  uint64_t target = at + flat_read(buffer, at, 4);
  return !buffer->bad && flat_has(buffer, target, 4) ? (uint32_t)target : 0;
}

static inline struct flat_table flat_table_at(struct flatbuffer *buffer, uint32_t at) {
  struct flat_table table = {buffer, 0, 0, 0};
  if (at == 0) return table;
  int64_t vtable = (int64_t)at - flat_i32(buffer, at);
  if (buffer->bad || vtable < 0 || !flat_has(buffer, (uint64_t)vtable, 4)) {
    buffer->bad = true;
    return table;
  }
  uint32_t size = (uint32_t)flat_read(buffer, (uint64_t)vtable, 2);
  if (size < 4 || !flat_has(buffer, (uint64_t)vtable, size)) {
    buffer->bad = true;
    return table;
  }
  table.at = at;
  table.vtable = (uint32_t)vtable;
  table.vtable_size = size;
  return table;
}

static inline struct flat_table flat_root(struct flatbuffer *buffer) {
  return flat_table_at(buffer, flat_follow(buffer, 0));
}

/* Byte position of a field, or 0 when the table leaves it out. */
static inline uint64_t flat_field(const struct flat_table *table, unsigned index) {
  uint32_t slot = 4 + 2 * index;
  if (table->at == 0 || slot + 2 > table->vtable_size) return 0;
  uint64_t offset = flat_read(table->buffer, (uint64_t)table->vtable + slot, 2);
  return offset == 0 ? 0 : table->at + offset;
}

static inline int64_t flat_integer(const struct flat_table *table, unsigned index, unsigned bytes, int64_t absent) {
  uint64_t at = flat_field(table, index);
  if (at == 0) return absent;
  uint64_t value = flat_read(table->buffer, at, bytes);
  if (bytes == 2) return (int16_t)value;
  if (bytes == 4) return (int32_t)value;
  return (int64_t)value;
}

static inline struct flat_table flat_child(const struct flat_table *table, unsigned index) {
  uint64_t at = flat_field(table, index);
  return flat_table_at(table->buffer, at == 0 ? 0 : flat_follow(table->buffer, at));
}

static inline struct flat_vector flat_list(const struct flat_table *table, unsigned index, unsigned element_bytes) {
  struct flat_vector none = {0, 0};
  uint64_t at = flat_field(table, index);
  if (at == 0) return none;
  uint32_t start = flat_follow(table->buffer, at);
  if (start == 0) return none;
  uint64_t count = flat_read(table->buffer, start, 4);
  if (!flat_has(table->buffer, (uint64_t)start + 4, count * element_bytes)) return none;
  return (struct flat_vector){start + 4, (uint32_t)count};
}

static inline struct flat_table flat_list_table(struct flatbuffer *buffer, struct flat_vector list, uint32_t index) {
  return flat_table_at(buffer, flat_follow(buffer, (uint64_t)list.at + 4ull * index));
}

#endif
