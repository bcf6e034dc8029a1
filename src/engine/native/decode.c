/* Validity and the types of fixed width. */
#include "decode.h"

#include <stdlib.h>
#include <string.h>

/* Copies `count` bits from bit `start`; bits of the last byte beyond them are unspecified. */
static void copy_bits(const uint8_t *bits, int64_t start, int64_t count, uint8_t *out) {
  const uint8_t *from = bits + start / 8;
  unsigned shift = (unsigned)(start % 8);
  int64_t bytes = (count + 7) / 8;
  if (shift == 0) {
    memcpy(out, from, (size_t)bytes);
    return;
  }
  int64_t available = (start + count + 7) / 8 - start / 8;
  for (int64_t i = 0; i < bytes; i++) {
    unsigned high = i + 1 < available ? from[i + 1] : 0;
    out[i] = (uint8_t)(from[i] >> shift | high << (8 - shift));
  }
}

/* True only when it is cheap to see that no row of the slice is NULL: DuckDB is faster without a mask. */
static bool all_valid(const uint8_t *bits, int64_t start, int64_t count) {
  if (start % 8 != 0 || count % 8 != 0) return false;
  const uint8_t *from = bits + start / 8;
  int64_t bytes = count / 8, i = 0;
  for (uint64_t word; i + 8 <= bytes; i += 8) {
    memcpy(&word, from + i, 8);
    if (word != UINT64_MAX) return false;
  }
  for (; i < bytes; i++)
    if (from[i] != 0xff) return false;
  return true;
}

bool decoder_write(const struct decoder *decoder, const struct slice *slice) {
  const struct arrow_array *array = decoder_array(decoder, slice);
  if (slice->count == 0) return true;
  uint64_t *valid = NULL;
  if (array->validity != NULL && !all_valid(array->validity, slice->start, slice->count)) {
    valid = slice->sink->validity(slice->vector);
    if (valid == NULL) return false;
    copy_bits(array->validity, slice->start, slice->count, (uint8_t *)valid);
  }
  if (slice->nulls_of_parent != NULL) {
    if (valid == NULL) valid = slice->sink->validity(slice->vector);
    if (valid == NULL) return false;
    for (int64_t i = 0; i < (slice->count + 63) / 64; i++) valid[i] &= slice->nulls_of_parent[i];
  }
  return decoder->write(decoder, slice, valid);
}

bool write_nulls(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  (void)decoder;
  if (valid == NULL) valid = slice->sink->validity(slice->vector);
  if (valid == NULL) return false;
  memset(valid, 0, (size_t)(slice->count + 63) / 64 * 8);
  return true;
}

bool write_copy(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  (void)valid;
  const uint8_t *values = decoder_array(decoder, slice)->values + (uint64_t)slice->start * decoder->width;
  memcpy(slice->sink->data(slice->vector), values, (uint64_t)slice->count * decoder->width);
  return true;
}

/* Eight bits to eight bytes of 0 or 1: the factor puts a copy of the byte under each mask bit. */
static uint64_t spread_bits(uint8_t bits) {
  uint64_t low = bits & 0x7f, high = bits >> 7;
  return ((low * 0x0002040810204081ull) & 0x0001010101010101ull) | high << 56;
}

bool write_booleans(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  (void)valid;
  const uint8_t *bits = decoder_array(decoder, slice)->values;
  uint8_t *out = slice->sink->data(slice->vector);
  int64_t row = 0;
  if (slice->start % 8 == 0) {
    for (; row + 8 <= slice->count; row += 8) {
      uint64_t bytes = spread_bits(bits[(slice->start + row) / 8]);
      memcpy(out + row, &bytes, 8);
    }
  }
  for (; row < slice->count; row++) out[row] = arrow_bit(bits, slice->start + row);
  return true;
}

/* DuckDB keeps a UUID as a 128-bit integer with the top bit flipped, so that integer order is UUID order. */
bool write_uuids(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  (void)valid;
  const uint8_t *values = decoder_array(decoder, slice)->values + 16 * slice->start;
  uint64_t *out = slice->sink->data(slice->vector);
  for (int64_t row = 0; row < slice->count; row++) {
    uint64_t high, low;
    memcpy(&high, values + 16 * row, 8);
    memcpy(&low, values + 16 * row + 8, 8);
    out[2 * row] = __builtin_bswap64(low);
    out[2 * row + 1] = __builtin_bswap64(high) ^ 1ull << 63;
  }
  return true;
}

struct interval {
  int32_t months, days;
  int64_t ticks; /* Arrow: nanoseconds; DuckDB: microseconds */
};

bool write_intervals(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  (void)valid;
  const struct interval *values = (const struct interval *)decoder_array(decoder, slice)->values + slice->start;
  struct interval *out = slice->sink->data(slice->vector);
  for (int64_t row = 0; row < slice->count; row++)
    out[row] = (struct interval){values[row].months, values[row].days, values[row].ticks / 1000};
  return true;
}

struct wide_integer {
  uint64_t low;
  int64_t high;
};

/* A decimal that does not fit the width that its type promises is a damaged row, not a value to cut. */
#define WRITE_DECIMALS(name, integer)                                                                      \
  bool name(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {                   \
    const struct wide_integer *values =                                                                    \
        (const struct wide_integer *)decoder_array(decoder, slice)->values + slice->start;                 \
    integer *out = slice->sink->data(slice->vector);                                                       \
    uint64_t lost = 0;                                                                                     \
    for (int64_t row = 0; row < slice->count; row++) {                                                     \
      int64_t low = (int64_t)values[row].low;                                                              \
      out[row] = (integer)low;                                                                             \
      lost |= (uint64_t)(values[row].high ^ (low >> 63)) | (uint64_t)(low ^ (int64_t)(integer)low);        \
    }                                                                                                      \
    if (lost == 0) return true;                                                                            \
    for (int64_t row = 0; row < slice->count; row++) {                                                     \
      int64_t low = (int64_t)values[row].low;                                                              \
      if (row_is_valid(valid, row) && (values[row].high != low >> 63 || low != (int64_t)(integer)low)) return false; \
    }                                                                                                      \
    return true;                                                                                           \
  }
WRITE_DECIMALS(write_decimals16, int16_t)
WRITE_DECIMALS(write_decimals32, int32_t)
WRITE_DECIMALS(write_decimals64, int64_t)

bool write_decimals16_of_32(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  const int32_t *values = (const int32_t *)decoder_array(decoder, slice)->values + slice->start;
  int16_t *out = slice->sink->data(slice->vector);
  int32_t lost = 0;
  for (int64_t row = 0; row < slice->count; row++) {
    out[row] = (int16_t)values[row];
    lost |= values[row] ^ out[row];
  }
  for (int64_t row = 0; lost != 0 && row < slice->count; row++)
    if (row_is_valid(valid, row) && values[row] != out[row]) return false;
  return true;
}
