/* Strings and blobs, referenced where they lie in the mapping; dictionaries; enums. */
#include <string.h>

#include "decode.h"

/* The first 12 bytes of a string of length n are kept, the rest is zero: mask n of `inline_masks`. */
static const uint8_t kept[24] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255};

/*
 * As arrow_make_view, without branches on the length of short strings.
 * INVARIANT: 12 bytes can be read at any string: a body ends before the footer, whose end takes 18 bytes at least.
 */
static inline void write_view(uint8_t *out, const uint8_t *text, uint64_t length) {
  uint32_t length32 = (uint32_t)length;
  memcpy(out, &length32, 4);
  if (length <= 12) {
    uint64_t low, low_mask;
    uint32_t high, high_mask;
    memcpy(&low, text, 8);
    memcpy(&high, text + 8, 4);
    memcpy(&low_mask, kept + 12 - length, 8);
    memcpy(&high_mask, kept + 20 - length, 4);
    low &= low_mask;
    high &= high_mask;
    memcpy(out + 4, &low, 8);
    memcpy(out + 12, &high, 4);
  } else {
    memcpy(out + 4, text, 4);
    memcpy(out + 8, &text, 8);
  }
}

bool write_text(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  (void)valid;
  const struct arrow_array *array = decoder_array(decoder, slice);
  uint8_t *out = slice->sink->data(slice->vector);
  if (decoder->is_wide) {
    const int64_t *offsets = (const int64_t *)array->values + slice->start;
    for (int64_t row = 0; row < slice->count; row++)
      write_view(out + 16 * row, array->bytes + offsets[row], (uint64_t)(offsets[row + 1] - offsets[row]));
  } else {
    const int32_t *offsets = (const int32_t *)array->values + slice->start;
    for (int64_t row = 0; row < slice->count; row++)
      write_view(out + 16 * row, array->bytes + offsets[row], (uint64_t)(offsets[row + 1] - offsets[row]));
  }
  return true;
}

bool write_fixed_text(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  (void)valid;
  uint64_t bytes = (uint64_t)decoder->file->fields[decoder->field].bits / 8;
  const uint8_t *values = decoder_array(decoder, slice)->values + (uint64_t)slice->start * bytes;
  uint8_t *out = slice->sink->data(slice->vector);
  for (int64_t row = 0; row < slice->count; row++) write_view(out + 16 * row, values + (uint64_t)row * bytes, bytes);
  return true;
}

static inline uint64_t index_at(const uint8_t *indices, unsigned bytes, int64_t row) {
  uint64_t index = 0;
  memcpy(&index, indices + (uint64_t)row * bytes, bytes);
  return index;
}

/* Without NULLs every index was checked; a NULL row may hold any. */
#define GATHER(integer)                                                                                     \
  {                                                                                                         \
    const integer *indices = (const integer *)array->values + slice->start;                                 \
    if (valid == NULL) {                                                                                    \
      for (int64_t row = 0; row < slice->count; row++) out[row] = views[indices[row]];                      \
    } else {                                                                                                \
      for (int64_t row = 0; row < slice->count; row++) out[row] = views[indices[row] < count ? indices[row] : 0]; \
    }                                                                                                       \
    break;                                                                                                  \
  }

static bool mark_null_values(const struct arrow_dictionary *dictionary, const struct arrow_array *array,
                             const struct slice *slice, unsigned index_bytes) {
  uint64_t *valid = slice->sink->validity(slice->vector);
  if (valid == NULL) return false;
  for (int64_t row = 0; row < slice->count; row++) {
    uint64_t index = index_at(array->values, index_bytes, slice->start + row);
    if (row_is_valid(valid, row) && arrow_dictionary_is_null(dictionary, (int64_t)index))
      valid[row >> 6] &= ~(1ull << (row & 63));
  }
  return true;
}

bool write_dictionary(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  const struct arrow_field *field = &decoder->file->fields[decoder->field];
  const struct arrow_array *array = decoder_array(decoder, slice);
  struct arrow_dictionary *dictionary = &decoder->file->dictionaries[field->dictionary];
  const struct string_view *views = arrow_dictionary_views(dictionary, decoder->file);
  struct string_view *out = slice->sink->data(slice->vector);
  uint64_t count = (uint64_t)dictionary->count;
  if (views == NULL) return false;
  switch (field->index_bytes) {
    case 1: GATHER(uint8_t)
    case 2: GATHER(uint16_t)
    case 4: GATHER(uint32_t)
    default: GATHER(uint64_t)
  }
  return !dictionary->has_nulls || mark_null_values(dictionary, array, slice, field->index_bytes);
}

/* An index that was not checked, because its row is NULL, becomes code 0. */
#define TRANSLATE(integer, code)                                                                                   \
  {                                                                                                                \
    const integer *indices = (const integer *)array->values + slice->start;                                        \
    code *out = slice->sink->data(slice->vector);                                                                  \
    if (valid == NULL) {                                                                                           \
      for (int64_t row = 0; row < slice->count; row++) out[row] = (code)labels[indices[row]];                      \
    } else {                                                                                                       \
      for (int64_t row = 0; row < slice->count; row++) out[row] = indices[row] < count ? (code)labels[indices[row]] : 0; \
    }                                                                                                              \
    return true;                                                                                                   \
  }
#define TRANSLATE_INDICES(name, code)                                                                              \
  static bool name(const struct decoder *decoder, const struct slice *slice, const uint64_t *valid) {              \
    const struct arrow_field *field = &decoder->file->fields[decoder->field];                                      \
    const struct arrow_array *array = decoder_array(decoder, slice);                                               \
    const uint32_t *labels = decoder->labels;                                                                      \
    uint64_t count = (uint64_t)decoder->file->dictionaries[field->dictionary].count;                               \
    switch (field->index_bytes) {                                                                                  \
      case 1: TRANSLATE(uint8_t, code)                                                                             \
      case 2: TRANSLATE(uint16_t, code)                                                                            \
      case 4: TRANSLATE(uint32_t, code)                                                                            \
      default: TRANSLATE(uint64_t, code)                                                                           \
    }                                                                                                              \
  }
TRANSLATE_INDICES(translate_to_8, uint8_t)
TRANSLATE_INDICES(translate_to_16, uint16_t)
TRANSLATE_INDICES(translate_to_32, uint32_t)

bool write_labels(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  if (decoder->width == 1) return translate_to_8(decoder, slice, valid);
  return decoder->width == 2 ? translate_to_16(decoder, slice, valid) : translate_to_32(decoder, slice, valid);
}
