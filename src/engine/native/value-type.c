#define _POSIX_C_SOURCE 200809L
/* DuckDB's logical types as `struct value_type`. */
#include "value-type.h"

#include <stdlib.h>
#include <string.h>

#include "duckdb-api.h"

static char *take_text(char *text) {
  char *copy = text == NULL ? NULL : strdup(text);
  if (text != NULL) duckdb_free(text);
  return copy;
}

static bool read_child(struct value_type *child, duckdb_logical_type logical) {
  if (logical == NULL) return false;
  bool read = value_type_read(child, logical);
  duckdb_destroy_logical_type(&logical);
  return read;
}

static bool make_children(struct value_type *type, uint32_t count, bool named) {
  type->children = calloc(count, sizeof *type->children);
  type->names = named ? calloc(count, sizeof *type->names) : NULL;
  if (type->children == NULL || (named && type->names == NULL)) return false;
  type->child_count = count;
  return true;
}

static bool read_struct(struct value_type *type, duckdb_logical_type logical) {
  idx_t count = duckdb_struct_type_child_count(logical);
  if (count == 0 || count > UINT16_MAX || !make_children(type, (uint32_t)count, true)) return false;
  for (uint32_t i = 0; i < count; i++) {
    type->names[i] = take_text(duckdb_struct_type_child_name(logical, i));
    if (type->names[i] == NULL || !read_child(&type->children[i], duckdb_struct_type_child_type(logical, i))) return false;
  }
  return true;
}

/* A map is laid out as a list of structs; Arrow does not fix the names of their two members. */
static bool read_map(struct value_type *type, duckdb_logical_type logical) {
  if (!make_children(type, 1, false)) return false;
  struct value_type *entry = &type->children[0];
  entry->id = TYPE_STRUCT;
  return make_children(entry, 2, false) && read_child(&entry->children[0], duckdb_map_type_key_type(logical)) &&
         read_child(&entry->children[1], duckdb_map_type_value_type(logical));
}

static bool read_enum(struct value_type *type, duckdb_logical_type logical) {
  int internal = duckdb_enum_internal_type(logical);
  type->width = internal == TYPE_UTINYINT ? 1 : internal == TYPE_USMALLINT ? 2 : 4;
  uint32_t count = duckdb_enum_dictionary_size(logical);
  type->labels = calloc((size_t)count + 1, sizeof *type->labels);
  if (type->labels == NULL) return false;
  type->label_count = count;
  for (uint32_t i = 0; i < count; i++) {
    type->labels[i] = take_text(duckdb_enum_dictionary_value(logical, i));
    if (type->labels[i] == NULL) return false;
  }
  return true;
}

bool value_type_read(struct value_type *type, void *logical) {
  type->id = duckdb_get_type_id(logical);
  switch (type->id) {
    case TYPE_DECIMAL:
      type->width = duckdb_decimal_width(logical);
      type->scale = duckdb_decimal_scale(logical);
      return true;
    case TYPE_ENUM: return read_enum(type, logical);
    case TYPE_STRUCT: return read_struct(type, logical);
    case TYPE_MAP: return read_map(type, logical);
    case TYPE_LIST:
      return make_children(type, 1, false) && read_child(&type->children[0], duckdb_list_type_child_type(logical));
    case TYPE_ARRAY:
      type->array_size = duckdb_array_type_array_size(logical);
      return make_children(type, 1, false) && read_child(&type->children[0], duckdb_array_type_child_type(logical));
    default: return true;
  }
}
