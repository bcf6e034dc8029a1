/* Which writer turns a field into a type: exact physical agreement or a refusal, never a conversion by guess. */
#include <stdlib.h>
#include <string.h>

#include "decode.h"

static bool plain(struct decoder *decoder, decode_writer *write, uint32_t width) {
  decoder->write = write;
  decoder->width = width;
  return true;
}

static bool bind_integer(struct decoder *decoder, const struct arrow_field *field, int bits, bool is_signed) {
  return field->type == ARROW_INT && field->bits == bits && field->is_signed == is_signed &&
         plain(decoder, write_copy, (uint32_t)bits / 8);
}

/* A type of 64-bit or 32-bit ticks: its Arrow type with the unit, or the bare integer. */
static bool bind_ticks(struct decoder *decoder, const struct arrow_field *field, enum arrow_type type, int bits, int unit) {
  bool matches = field->type == type && field->bits == bits && field->unit == unit;
  return (matches && plain(decoder, write_copy, (uint32_t)bits / 8)) || bind_integer(decoder, field, bits, true);
}

static bool bind_sixteen_bytes(struct decoder *decoder, const struct arrow_field *field, decode_writer *write) {
  bool matches = field->bits == 128 && (field->type == ARROW_FIXED_BINARY ||
                                        (field->type == ARROW_DECIMAL && field->scale == 0 && write == write_copy));
  return matches && plain(decoder, write, 16);
}

static bool bind_decimal(struct decoder *decoder, const struct arrow_field *field, const struct value_type *type) {
  uint32_t bytes = type->width <= 4 ? 2 : type->width <= 9 ? 4 : type->width <= 18 ? 8 : 16;
  if (bind_integer(decoder, field, (int)bytes * 8, true)) return true;
  if (field->type == ARROW_FIXED_BINARY) return bytes == 16 && bind_sixteen_bytes(decoder, field, write_copy);
  if (field->type != ARROW_DECIMAL || field->scale != type->scale || field->precision > type->width) return false;
  if ((uint32_t)field->bits == bytes * 8) return plain(decoder, write_copy, bytes);
  if (field->bits == 32 && bytes == 2) return plain(decoder, write_decimals16_of_32, bytes);
  if (field->bits != 128) return false;
  return plain(decoder, bytes == 2 ? write_decimals16 : bytes == 4 ? write_decimals32 : write_decimals64, bytes);
}

static bool bind_text(struct decoder *decoder, const struct arrow_field *field, bool is_text) {
  enum arrow_type narrow = is_text ? ARROW_UTF8 : ARROW_BINARY, wide = is_text ? ARROW_LARGE_UTF8 : ARROW_LARGE_BINARY;
  if (field->type == ARROW_FIXED_BINARY) return !is_text && plain(decoder, write_fixed_text, 16);
  if (field->type != narrow && field->type != wide) return false;
  decoder->is_wide = field->type == wide;
  return plain(decoder, field->is_dictionary ? write_dictionary : write_text, 16);
}

struct label {
  const char *text;
  size_t bytes;
  uint32_t code;
};

static int compare_labels(const void *left, const void *right) {
  const struct label *a = left, *b = right;
  int order = memcmp(a->text, b->text, a->bytes < b->bytes ? a->bytes : b->bytes);
  return order != 0 ? order : (a->bytes > b->bytes) - (a->bytes < b->bytes);
}

static bool find_labels(uint32_t *codes, const struct string_view *views, int64_t count, const struct label *labels,
                        uint32_t label_count) {
  for (int64_t i = 0; i < count; i++) {
    const char *text = views[i].length <= 12 ? views[i].prefix : views[i].pointer;
    struct label wanted = {text, views[i].length, 0};
    const struct label *found = bsearch(&wanted, labels, label_count, sizeof wanted, compare_labels);
    if (found == NULL) return false;
    codes[i] = found->code;
  }
  return true;
}

static bool bind_labels(struct decoder *decoder, const struct arrow_field *field, const struct value_type *type) {
  struct arrow_dictionary *dictionary = &decoder->file->dictionaries[field->dictionary];
  const struct string_view *views = arrow_dictionary_views(dictionary, decoder->file);
  struct label *labels = calloc((size_t)type->label_count + 1, sizeof *labels);
  decoder->labels = calloc((size_t)dictionary->count + 1, sizeof *decoder->labels);
  bool known = views != NULL && labels != NULL && decoder->labels != NULL && !dictionary->has_nulls;
  for (uint32_t i = 0; known && i < type->label_count; i++)
    labels[i] = (struct label){type->labels[i], strlen(type->labels[i]), i};
  if (known) {
    qsort(labels, type->label_count, sizeof *labels, compare_labels);
    known = find_labels(decoder->labels, views, dictionary->count, labels, type->label_count);
  }
  free(labels);
  return known;
}

static bool bind_enum(struct decoder *decoder, const struct arrow_field *field, const struct value_type *type) {
  if (!field->is_dictionary || field->type != ARROW_UTF8) return false;
  return bind_labels(decoder, field, type) && plain(decoder, write_labels, type->width);
}

static bool bind_children(struct decoder *decoder, const struct arrow_field *field, const struct value_type *type) {
  if (field->child_count != type->child_count || type->child_count == 0) return false;
  decoder->children = calloc(type->child_count, sizeof *decoder->children);
  if (decoder->children == NULL) return false;
  decoder->child_count = type->child_count;
  uint32_t place = decoder->field + 1;
  for (uint32_t i = 0; i < type->child_count; i++) {
    const struct arrow_field *child = &decoder->file->fields[place];
    bool same_name = type->names == NULL || (strlen(type->names[i]) == child->name_bytes &&
                                             memcmp(type->names[i], child->name, child->name_bytes) == 0);
    if (!same_name || !decoder_bind(&decoder->children[i], decoder->file, place, &type->children[i])) return false;
    place += child->span;
  }
  return true;
}

static bool bind_list(struct decoder *decoder, const struct arrow_field *field, const struct value_type *type) {
  bool matches = type->id == TYPE_MAP ? field->type == ARROW_MAP || field->type == ARROW_LIST
                                      : field->type == ARROW_LIST || field->type == ARROW_LARGE_LIST;
  decoder->is_wide = field->type == ARROW_LARGE_LIST;
  return matches && plain(decoder, write_list, 16) && bind_children(decoder, field, type);
}

static bool bind_time(struct decoder *decoder, const struct arrow_field *field, int id) {
  switch (id) {
    case TYPE_DATE: return bind_ticks(decoder, field, ARROW_DATE, 32, 0);
    case TYPE_TIME: return bind_ticks(decoder, field, ARROW_TIME, 64, ARROW_MICROSECOND);
    case TYPE_TIME_NS: return bind_ticks(decoder, field, ARROW_TIME, 64, ARROW_NANOSECOND);
    case TYPE_TIMESTAMP: case TYPE_TIMESTAMP_TZ: return bind_ticks(decoder, field, ARROW_TIMESTAMP, 64, ARROW_MICROSECOND);
    case TYPE_TIMESTAMP_S: return bind_ticks(decoder, field, ARROW_TIMESTAMP, 64, ARROW_SECOND);
    case TYPE_TIMESTAMP_MS: return bind_ticks(decoder, field, ARROW_TIMESTAMP, 64, ARROW_MILLISECOND);
    case TYPE_TIMESTAMP_NS: return bind_ticks(decoder, field, ARROW_TIMESTAMP, 64, ARROW_NANOSECOND);
    case TYPE_TIME_TZ: return bind_integer(decoder, field, 64, false) || bind_integer(decoder, field, 64, true);
    default: return field->type == ARROW_INTERVAL && plain(decoder, write_intervals, 16);
  }
}

static bool bind_number(struct decoder *decoder, const struct arrow_field *field, int id) {
  switch (id) {
    case TYPE_TINYINT: return bind_integer(decoder, field, 8, true);
    case TYPE_SMALLINT: return bind_integer(decoder, field, 16, true);
    case TYPE_INTEGER: return bind_integer(decoder, field, 32, true);
    case TYPE_BIGINT: return bind_integer(decoder, field, 64, true);
    case TYPE_UTINYINT: return bind_integer(decoder, field, 8, false);
    case TYPE_USMALLINT: return bind_integer(decoder, field, 16, false);
    case TYPE_UINTEGER: return bind_integer(decoder, field, 32, false);
    case TYPE_UBIGINT: return bind_integer(decoder, field, 64, false);
    case TYPE_HUGEINT: case TYPE_UHUGEINT: return bind_sixteen_bytes(decoder, field, write_copy);
    case TYPE_FLOAT: return field->type == ARROW_FLOAT && field->bits == 32 && plain(decoder, write_copy, 4);
    default: return field->type == ARROW_FLOAT && field->bits == 64 && plain(decoder, write_copy, 8);
  }
}

bool decoder_bind(struct decoder *decoder, struct arrow_file *file, uint32_t place, const struct value_type *type) {
  const struct arrow_field *field = &file->fields[place];
  decoder->file = file;
  decoder->field = place;
  if (field->type == ARROW_NULL) return type->child_count == 0 && plain(decoder, write_nulls, 0);
  if (field->is_dictionary && type->id != TYPE_VARCHAR && type->id != TYPE_BLOB && type->id != TYPE_ENUM) return false;
  switch (type->id) {
    case TYPE_BOOLEAN: return field->type == ARROW_BOOL && plain(decoder, write_booleans, 1);
    case TYPE_TINYINT: case TYPE_SMALLINT: case TYPE_INTEGER: case TYPE_BIGINT: case TYPE_UTINYINT: case TYPE_USMALLINT:
    case TYPE_UINTEGER: case TYPE_UBIGINT: case TYPE_HUGEINT: case TYPE_UHUGEINT: case TYPE_FLOAT: case TYPE_DOUBLE:
      return bind_number(decoder, field, type->id);
    case TYPE_DATE: case TYPE_TIME: case TYPE_TIME_NS: case TYPE_TIME_TZ: case TYPE_TIMESTAMP: case TYPE_TIMESTAMP_TZ:
    case TYPE_TIMESTAMP_S: case TYPE_TIMESTAMP_MS: case TYPE_TIMESTAMP_NS: case TYPE_INTERVAL:
      return bind_time(decoder, field, type->id);
    case TYPE_DECIMAL: return bind_decimal(decoder, field, type);
    case TYPE_UUID: return bind_sixteen_bytes(decoder, field, write_uuids);
    case TYPE_VARCHAR: return bind_text(decoder, field, true);
    case TYPE_BLOB: case TYPE_BIT: case TYPE_BIGNUM: return bind_text(decoder, field, false);
    case TYPE_ENUM: return bind_enum(decoder, field, type);
    case TYPE_STRUCT: return field->type == ARROW_STRUCT && plain(decoder, write_struct, 0) && bind_children(decoder, field, type);
    case TYPE_LIST: case TYPE_MAP: return bind_list(decoder, field, type);
    case TYPE_ARRAY:
      return field->type == ARROW_FIXED_LIST && (uint64_t)field->scale == type->array_size &&
             plain(decoder, write_array, 0) && bind_children(decoder, field, type);
    default: return false;
  }
}

void decoder_release(struct decoder *decoder) {
  for (uint32_t i = 0; i < decoder->child_count; i++) decoder_release(&decoder->children[i]);
  free(decoder->children);
  free(decoder->labels);
  memset(decoder, 0, sizeof *decoder);
}

void value_type_release(struct value_type *type) {
  for (uint32_t i = 0; i < type->label_count && type->labels != NULL; i++) free(type->labels[i]);
  for (uint32_t i = 0; i < type->child_count; i++) {
    if (type->names != NULL) free(type->names[i]);
    if (type->children != NULL) value_type_release(&type->children[i]);
  }
  free(type->labels);
  free(type->names);
  free(type->children);
  memset(type, 0, sizeof *type);
}
