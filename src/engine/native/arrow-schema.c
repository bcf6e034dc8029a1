/* The schema of a file as a flat list of fields in depth-first order. */
#include <stdlib.h>

#include "arrow-file.h"
#include "flatbuffer.h"

#define MAX_DEPTH 16
/* A flatbuffer can name one child many times: without a limit a small file would describe an endless tree. */
#define MAX_FIELDS 16384

static bool read_integer_type(const struct flat_table *type, int32_t *bits, bool *is_signed) {
  *bits = (int32_t)flat_integer(type, 0, 4, 0);
  *is_signed = flat_integer(type, 1, 1, 0) != 0;
  return *bits == 8 || *bits == 16 || *bits == 32 || *bits == 64;
}

/* What the type table says; false for a type or parameter that nothing here reads. */
static bool read_type(struct arrow_field *field, const struct flat_table *type) {
  uint32_t children = field->child_count;
  switch (field->type) {
    case ARROW_NULL: case ARROW_BOOL: case ARROW_BINARY: case ARROW_UTF8: case ARROW_LARGE_BINARY: case ARROW_LARGE_UTF8:
      return children == 0;
    case ARROW_STRUCT:
      return true;
    case ARROW_LIST: case ARROW_LARGE_LIST: case ARROW_MAP:
      return children == 1;
    case ARROW_INT:
      return children == 0 && read_integer_type(type, &field->bits, &field->is_signed);
    case ARROW_FLOAT: {
      int64_t precision = flat_integer(type, 0, 2, 0);
      field->bits = precision == 1 ? 32 : 64;
      return children == 0 && (precision == 1 || precision == 2);
    }
    case ARROW_DECIMAL:
      field->precision = (int32_t)flat_integer(type, 0, 4, 0);
      field->scale = (int32_t)flat_integer(type, 1, 4, 0);
      field->bits = (int32_t)flat_integer(type, 2, 4, 128);
      return children == 0 && (field->bits == 32 || field->bits == 64 || field->bits == 128);
    case ARROW_DATE:
      field->unit = (int16_t)flat_integer(type, 0, 2, 1);
      field->bits = field->unit == 0 ? 32 : 64;
      return children == 0 && (field->unit == 0 || field->unit == 1);
    case ARROW_TIME:
      field->unit = (int16_t)flat_integer(type, 0, 2, 1);
      field->bits = (int32_t)flat_integer(type, 1, 4, 32);
      return children == 0 && (field->bits == 32 || field->bits == 64) && field->unit >= 0 && field->unit <= 3;
    case ARROW_TIMESTAMP:
      field->unit = (int16_t)flat_integer(type, 0, 2, 0);
      field->bits = 64;
      field->has_timezone = flat_field(type, 1) != 0;
      return children == 0 && field->unit >= 0 && field->unit <= 3;
    case ARROW_INTERVAL:
      field->unit = (int16_t)flat_integer(type, 0, 2, 0);
      field->bits = 128;
      return children == 0 && field->unit == 2;
    case ARROW_FIXED_BINARY: {
      int64_t bytes = flat_integer(type, 0, 4, 0);
      field->bits = (int32_t)(bytes * 8);
      return children == 0 && bytes > 0 && bytes <= 65536;
    }
    case ARROW_FIXED_LIST:
      field->scale = (int32_t)flat_integer(type, 0, 4, 0);
      return children == 1 && field->scale > 0 && field->scale <= 100000;
  }
  return false;
}

static bool read_dictionary(struct arrow_field *field, const struct flat_table *table) {
  struct flat_table encoding = flat_child(table, 4);
  field->dictionary = -1;
  if (encoding.at == 0) return true;
  struct flat_table index = flat_child(&encoding, 1);
  int32_t bits = 32;
  field->index_signed = true;
  if (index.at != 0 && !read_integer_type(&index, &bits, &field->index_signed)) return false;
  field->is_dictionary = true;
  field->dictionary_id = flat_integer(&encoding, 0, 8, 0);
  field->index_bytes = (uint8_t)(bits / 8);
  /* Only dictionaries of strings are written, and only those are read. */
  return field->type == ARROW_UTF8 || field->type == ARROW_BINARY || field->type == ARROW_LARGE_UTF8 ||
         field->type == ARROW_LARGE_BINARY;
}

static enum arrow_error read_field(struct arrow_file *file, const struct flat_table *table, unsigned depth) {
  if (depth > MAX_DEPTH || file->field_count >= MAX_FIELDS) return ARROW_UNSUPPORTED;
  struct flatbuffer *buffer = table->buffer;
  uint32_t place = file->field_count++;
  struct arrow_field *field = &file->fields[place];
  struct flat_vector name = flat_list(table, 0, 1);
  struct flat_vector children = flat_list(table, 5, 4);
  struct flat_table type = flat_child(table, 3);
  field->name = (const char *)buffer->data + name.at;
  field->name_bytes = name.count;
  field->type = (enum arrow_type)flat_integer(table, 2, 1, 0);
  field->child_count = children.count;
  bool known = read_type(field, &type) && read_dictionary(field, table);
  if (buffer->bad) return ARROW_BAD_METADATA;
  if (!known) return ARROW_UNSUPPORTED;
  for (uint32_t i = 0; i < children.count; i++) {
    struct flat_table child = flat_list_table(buffer, children, i);
    if (buffer->bad) return ARROW_BAD_METADATA;
    enum arrow_error error = read_field(file, &child, depth + 1);
    if (error != ARROW_OK) return error;
  }
  file->fields[place].span = file->field_count - place;
  return ARROW_OK;
}

enum arrow_error arrow_read_schema(struct arrow_file *file, const struct flat_table *schema) {
  struct flatbuffer *buffer = schema->buffer;
  struct flat_vector roots = flat_list(schema, 1, 4);
  if (buffer->bad || flat_integer(schema, 0, 2, 0) != 0) return ARROW_BAD_METADATA;
  if (roots.count > MAX_FIELDS) return ARROW_UNSUPPORTED;
  file->fields = calloc(MAX_FIELDS, sizeof *file->fields);
  file->columns = calloc(roots.count + 1, sizeof *file->columns);
  if (file->fields == NULL || file->columns == NULL) return ARROW_NO_MEMORY;
  for (uint32_t i = 0; i < roots.count; i++) {
    struct flat_table root = flat_list_table(buffer, roots, i);
    if (buffer->bad) return ARROW_BAD_METADATA;
    file->columns[file->column_count++] = file->field_count;
    enum arrow_error error = read_field(file, &root, 0);
    if (error != ARROW_OK) return error;
  }
  struct arrow_field *fitted = realloc(file->fields, (file->field_count + 1) * sizeof *fitted);
  if (fitted != NULL) file->fields = fitted;
  return ARROW_OK;
}
