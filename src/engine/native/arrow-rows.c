/* What the rows themselves must keep to: rising offsets, indices inside their dictionary; and dictionary values. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "arrow-file.h"

#define CHECKED_SOUND 1
#define CHECKED_UNSOUND 2

static pthread_mutex_t dictionary_lock = PTHREAD_MUTEX_INITIALIZER;

static bool offsets32_rise(const int32_t *offsets, int64_t length, int64_t limit) {
  int32_t falls = offsets[0];
  for (int64_t i = 0; i < length; i++) falls |= offsets[i + 1] >= offsets[i] ? 0 : -1;
  return falls >= 0 && offsets[length] <= limit;
}

static bool offsets64_rise(const int64_t *offsets, int64_t length, int64_t limit) {
  int64_t falls = offsets[0], longest = 0;
  for (int64_t i = 0; i < length; i++) {
    falls |= offsets[i + 1] >= offsets[i] ? 0 : -1;
    int64_t size = (int64_t)((uint64_t)offsets[i + 1] - (uint64_t)offsets[i]);
    longest = size > longest ? size : longest;
  }
  return falls >= 0 && offsets[length] <= limit && longest <= UINT32_MAX;
}

static bool offsets_rise(const struct arrow_array *array, bool is_wide, int64_t limit) {
  if (array->length == 0) return true;
  return is_wide ? offsets64_rise((const int64_t *)array->values, array->length, limit)
                 : offsets32_rise((const int32_t *)array->values, array->length, limit);
}

/* Reading indices as unsigned makes a negative one too large. The index of a NULL row may be anything. */
#define INDICES_INSIDE(name, integer)                                                                     \
  static bool name(const struct arrow_array *array, uint64_t count) {                                     \
    const integer *indices = (const integer *)array->values;                                              \
    integer largest = 0;                                                                                  \
    if (array->validity == NULL) {                                                                        \
      for (int64_t i = 0; i < array->length; i++) largest = indices[i] > largest ? indices[i] : largest;  \
      return largest < count;                                                                             \
    }                                                                                                     \
    for (int64_t i = 0; i < array->length; i++)                                                           \
      if (arrow_bit(array->validity, i) && indices[i] >= count) return false;                             \
    return true;                                                                                          \
  }
INDICES_INSIDE(indices8_inside, uint8_t)
INDICES_INSIDE(indices16_inside, uint16_t)
INDICES_INSIDE(indices32_inside, uint32_t)
INDICES_INSIDE(indices64_inside, uint64_t)

static bool indices_inside(const struct arrow_field *field, const struct arrow_array *array, uint64_t count) {
  if (array->length == 0) return true;
  switch (field->index_bytes) {
    case 1: return indices8_inside(array, count);
    case 2: return indices16_inside(array, count);
    case 4: return indices32_inside(array, count);
    default: return indices64_inside(array, count);
  }
}

static bool own_rows_sound(const struct arrow_file *file, const struct arrow_batch *batch, uint32_t place) {
  const struct arrow_field *field = &file->fields[place];
  const struct arrow_array *array = &batch->arrays[place];
  if (field->is_dictionary) return indices_inside(field, array, (uint64_t)file->dictionaries[field->dictionary].count);
  switch (field->type) {
    case ARROW_UTF8: case ARROW_BINARY:
      return offsets_rise(array, false, array->byte_count);
    case ARROW_LARGE_UTF8: case ARROW_LARGE_BINARY:
      return offsets_rise(array, true, array->byte_count);
    case ARROW_LIST: case ARROW_MAP:
      return offsets_rise(array, false, batch->arrays[place + 1].length);
    case ARROW_LARGE_LIST:
      return offsets_rise(array, true, batch->arrays[place + 1].length);
    default:
      return true;
  }
}

bool arrow_check_rows(const struct arrow_file *file, const struct arrow_batch *batch, uint32_t place) {
  struct arrow_array *array = &batch->arrays[place];
  uint8_t known = atomic_load_explicit(&array->checked, memory_order_acquire);
  if (known != 0) return known == CHECKED_SOUND;
  bool sound = true;
  for (uint32_t i = place; sound && i < place + file->fields[place].span; i++) sound = own_rows_sound(file, batch, i);
  atomic_store_explicit(&array->checked, sound ? CHECKED_SOUND : CHECKED_UNSOUND, memory_order_release);
  return sound;
}

void arrow_make_view(struct string_view *view, const char *text, uint64_t length) {
  memset(view, 0, sizeof *view);
  view->length = (uint32_t)length;
  if (length <= 12) {
    memcpy(view->prefix, text, length < 4 ? length : 4);
    if (length > 4) memcpy((char *)view + 8, text + 4, length - 4);
  } else {
    memcpy(view->prefix, text, 4);
    view->pointer = text;
  }
}

static bool fill_views(struct string_view *views, const struct arrow_array *part, bool is_wide) {
  if (!offsets_rise(part, is_wide, part->byte_count)) return false;
  const int32_t *narrow = (const int32_t *)part->values;
  const int64_t *wide = (const int64_t *)part->values;
  for (int64_t i = 0; i < part->length; i++) {
    int64_t start = is_wide ? wide[i] : narrow[i];
    int64_t end = is_wide ? wide[i + 1] : narrow[i + 1];
    arrow_make_view(&views[i], (const char *)part->bytes + start, (uint64_t)(end - start));
  }
  return true;
}

const struct string_view *arrow_dictionary_views(struct arrow_dictionary *dictionary, const struct arrow_file *file) {
  struct string_view *views = atomic_load_explicit(&dictionary->views, memory_order_acquire);
  if (views != NULL) return views;
  enum arrow_type type = file->fields[dictionary->field].type;
  bool is_wide = type == ARROW_LARGE_UTF8 || type == ARROW_LARGE_BINARY, sound = true;
  pthread_mutex_lock(&dictionary_lock);
  views = atomic_load_explicit(&dictionary->views, memory_order_acquire);
  if (views == NULL && (views = calloc((size_t)dictionary->count + 1, sizeof *views)) != NULL) {
    int64_t filled = 0;
    for (uint32_t i = 0; sound && i < dictionary->part_count; filled += dictionary->parts[i++].length)
      sound = fill_views(views + filled, &dictionary->parts[i], is_wide);
    if (sound) {
      atomic_store_explicit(&dictionary->views, views, memory_order_release);
    } else {
      free(views);
      views = NULL;
    }
  }
  pthread_mutex_unlock(&dictionary_lock);
  return views;
}

bool arrow_dictionary_is_null(const struct arrow_dictionary *dictionary, int64_t index) {
  for (uint32_t i = 0; i < dictionary->part_count; i++) {
    const struct arrow_array *part = &dictionary->parts[i];
    if (index < part->length) return part->validity != NULL && !arrow_bit(part->validity, index);
    index -= part->length;
  }
  return true;
}
