/* Structs, lists and arrays. */
#include <stdlib.h>
#include <string.h>

#include "decode.h"

bool write_struct(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  for (uint32_t i = 0; i < decoder->child_count; i++) {
    struct slice child = *slice;
    child.vector = slice->sink->struct_child(slice->vector, i);
    child.nulls_of_parent = valid;
    if (!decoder_write(&decoder->children[i], &child)) return false;
  }
  return true;
}

struct list_entry {
  uint64_t offset, length;
};

static inline uint64_t list_offset(const struct decoder *decoder, const struct arrow_array *array, int64_t row) {
  return decoder->is_wide ? (uint64_t)((const int64_t *)array->values)[row] : (uint64_t)((const int32_t *)array->values)[row];
}

bool write_list(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  (void)valid;
  const struct arrow_array *array = decoder_array(decoder, slice);
  struct list_entry *entries = slice->sink->data(slice->vector);
  uint64_t first = list_offset(decoder, array, slice->start);
  uint64_t end = list_offset(decoder, array, slice->start + slice->count);
  for (int64_t row = 0; row < slice->count; row++) {
    uint64_t from = list_offset(decoder, array, slice->start + row);
    uint64_t to = list_offset(decoder, array, slice->start + row + 1);
    entries[row] = (struct list_entry){from - first, to - from};
  }
  if (!slice->sink->list_resize(slice->vector, end - first)) return false;
  struct slice child = *slice;
  child.start = (int64_t)first;
  child.count = (int64_t)(end - first);
  child.vector = slice->sink->list_child(slice->vector);
  child.nulls_of_parent = NULL;
  return decoder_write(&decoder->children[0], &child);
}

bool write_array(const struct decoder *decoder, const struct slice *slice, uint64_t *valid) {
  int64_t each = decoder->file->fields[decoder->field].scale;
  struct slice child = *slice;
  child.start = slice->start * each;
  child.count = slice->count * each;
  child.vector = slice->sink->array_child(slice->vector);
  child.nulls_of_parent = NULL;
  if (valid == NULL) return decoder_write(&decoder->children[0], &child);
  uint64_t *expanded = calloc((size_t)child.count / 64 + 1, 8);
  if (expanded == NULL) return false;
  for (int64_t i = 0; i < child.count; i++)
    if (row_is_valid(valid, i / each)) expanded[i >> 6] |= 1ull << (i & 63);
  child.nulls_of_parent = expanded;
  bool written = decoder_write(&decoder->children[0], &child);
  free(expanded);
  return written;
}
