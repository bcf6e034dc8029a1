/* Record and dictionary batches: from the footer's blocks to pointers into the mapping, every one checked. */
#include <stdlib.h>
#include <string.h>

#include "arrow-file.h"
#include "flatbuffer.h"

#define MESSAGE_DICTIONARY 2
#define MESSAGE_RECORDS 3
#define BLOCK_BYTES 24
#define MAX_ROWS (1ll << 40)

/* A message's metadata and the part of the file that its buffers lie in. */
struct message {
  struct flatbuffer buffer;
  struct flat_table header;
  const uint8_t *body;
  uint64_t body_bytes;
};

/* Takes field nodes and buffers of a record batch in their order. */
struct cursor {
  const struct arrow_file *file;
  struct message *message;
  struct flat_vector nodes, buffers;
  uint32_t node, buffer;
};

static enum arrow_error read_message(const struct arrow_file *file, const uint8_t *block, uint64_t limit, int kind,
                                     struct message *out) {
  int64_t at, body_bytes;
  int32_t metadata_bytes, marker, length;
  memcpy(&at, block, 8);
  memcpy(&metadata_bytes, block + 8, 4);
  memcpy(&body_bytes, block + 16, 8);
  if (at < 8 || at % 8 != 0 || metadata_bytes < 16 || metadata_bytes % 8 != 0 || body_bytes < 0) return ARROW_BAD_METADATA;
  if ((uint64_t)at > limit || (uint64_t)metadata_bytes > limit - (uint64_t)at) return ARROW_BAD_METADATA;
  uint64_t body_at = (uint64_t)at + (uint64_t)metadata_bytes;
  if ((uint64_t)body_bytes > limit - body_at) return ARROW_BAD_METADATA;
  memcpy(&marker, file->base + at, 4);
  memcpy(&length, file->base + at + 4, 4);
  if (marker != -1 || length < 8 || length > metadata_bytes - 8) return ARROW_BAD_METADATA;
  out->buffer = (struct flatbuffer){file->base + at + 8, (uint32_t)length, false};
  out->body = file->base + body_at;
  out->body_bytes = (uint64_t)body_bytes;
  struct flat_table root = flat_root(&out->buffer);
  out->header = flat_child(&root, 2);
  if (flat_integer(&root, 1, 1, 0) != kind || out->buffer.bad || out->header.at == 0) return ARROW_BAD_METADATA;
  return ARROW_OK;
}

/* The next buffer, which must hold `needed` bytes unless there are no rows. */
static bool take_buffer(struct cursor *cursor, uint64_t needed, const uint8_t **out, int64_t *bytes) {
  if (cursor->buffer >= cursor->buffers.count) return false;
  uint64_t at = cursor->buffers.at + 16ull * cursor->buffer++;
  int64_t offset = flat_i64(&cursor->message->buffer, at);
  int64_t length = flat_i64(&cursor->message->buffer, at + 8);
  if (offset < 0 || length < 0 || (uint64_t)offset > cursor->message->body_bytes) return false;
  if ((uint64_t)length > cursor->message->body_bytes - (uint64_t)offset || needed > (uint64_t)length) return false;
  const uint8_t *start = cursor->message->body + offset;
  if (length > 0 && (uintptr_t)start % 8 != 0) return false;
  *out = length > 0 ? start : cursor->file->base;
  if (bytes != NULL) *bytes = length;
  return true;
}

static bool take_validity(struct cursor *cursor, struct arrow_array *array) {
  const uint8_t *bits;
  uint64_t needed = array->null_count > 0 ? ((uint64_t)array->length + 7) / 8 : 0;
  if (!take_buffer(cursor, needed, &bits, NULL)) return false;
  array->validity = array->null_count > 0 ? bits : NULL;
  return true;
}

static bool take_offsets(struct cursor *cursor, struct arrow_array *array, unsigned width) {
  uint64_t needed = array->length == 0 ? 0 : ((uint64_t)array->length + 1) * width;
  return take_buffer(cursor, needed, &array->values, NULL);
}

/* The buffers of a field after its validity. `as_values`: a dictionary's own values, not indices. */
static bool take_values(struct cursor *cursor, const struct arrow_field *field, struct arrow_array *array,
                        bool as_values) {
  uint64_t length = (uint64_t)array->length;
  if (field->is_dictionary && !as_values) return take_buffer(cursor, length * field->index_bytes, &array->values, NULL);
  switch (field->type) {
    case ARROW_NULL: case ARROW_STRUCT: case ARROW_FIXED_LIST:
      return true;
    case ARROW_BOOL:
      return take_buffer(cursor, (length + 7) / 8, &array->values, NULL);
    case ARROW_UTF8: case ARROW_BINARY:
      return take_offsets(cursor, array, 4) && take_buffer(cursor, 0, &array->bytes, &array->byte_count);
    case ARROW_LARGE_UTF8: case ARROW_LARGE_BINARY:
      return take_offsets(cursor, array, 8) && take_buffer(cursor, 0, &array->bytes, &array->byte_count);
    case ARROW_LIST: case ARROW_MAP:
      return take_offsets(cursor, array, 4);
    case ARROW_LARGE_LIST:
      return take_offsets(cursor, array, 8);
    default:
      return take_buffer(cursor, length * (uint64_t)(field->bits / 8), &array->values, NULL);
  }
}

static bool take_array(struct cursor *cursor, const struct arrow_field *field, struct arrow_array *array,
                       bool as_values) {
  if (cursor->node >= cursor->nodes.count) return false;
  uint64_t at = cursor->nodes.at + 16ull * cursor->node++;
  array->length = flat_i64(&cursor->message->buffer, at);
  array->null_count = flat_i64(&cursor->message->buffer, at + 8);
  if (array->length < 0 || array->length > MAX_ROWS) return false;
  if (array->null_count < 0 || array->null_count > array->length) return false;
  if (field->type == ARROW_NULL) return true;
  return take_validity(cursor, array) && take_values(cursor, field, array, as_values);
}

/* Children of structs and of lists of fixed size have lengths that the parent determines. */
static bool lengths_agree(const struct arrow_file *file, uint32_t place, const struct arrow_array *arrays) {
  const struct arrow_field *field = &file->fields[place];
  int64_t each = field->type == ARROW_STRUCT ? 1 : field->type == ARROW_FIXED_LIST ? field->scale : 0;
  if (each == 0) return true;
  uint32_t child = place + 1;
  for (uint32_t i = 0; i < field->child_count; i++, child += file->fields[child].span)
    if (arrays[child].length != arrays[place].length * each) return false;
  return true;
}

static struct cursor start_batch(const struct arrow_file *file, struct message *message, const struct flat_table *records) {
  struct cursor cursor = {file, message, flat_list(records, 1, 16), flat_list(records, 2, 16), 0, 0};
  return cursor;
}

static enum arrow_error read_records(const struct arrow_file *file, struct message *message, struct arrow_batch *batch) {
  const struct flat_table *records = &message->header;
  struct cursor cursor = start_batch(file, message, records);
  batch->length = flat_integer(records, 0, 8, 0);
  if (message->buffer.bad || batch->length < 0 || batch->length > MAX_ROWS) return ARROW_BAD_METADATA;
  if (flat_field(records, 3) != 0) return ARROW_UNSUPPORTED;
  for (uint32_t i = 0; i < file->field_count; i++)
    if (!take_array(&cursor, &file->fields[i], &batch->arrays[i], false)) return ARROW_BAD_BUFFER;
  if (message->buffer.bad || cursor.node != cursor.nodes.count) return ARROW_BAD_METADATA;
  for (uint32_t i = 0; i < file->field_count; i++)
    if (!lengths_agree(file, i, batch->arrays)) return ARROW_BAD_BUFFER;
  for (uint32_t i = 0; i < file->column_count; i++)
    if (batch->arrays[file->columns[i]].length != batch->length) return ARROW_BAD_BUFFER;
  return ARROW_OK;
}

static struct arrow_dictionary *find_dictionary(const struct arrow_file *file, int64_t id) {
  for (uint32_t i = 0; i < file->dictionary_count; i++)
    if (file->dictionaries[i].id == id) return &file->dictionaries[i];
  return NULL;
}

static enum arrow_error list_dictionaries(struct arrow_file *file) {
  file->dictionaries = calloc(file->field_count + 1, sizeof *file->dictionaries);
  if (file->dictionaries == NULL) return ARROW_NO_MEMORY;
  for (uint32_t i = 0; i < file->field_count; i++) {
    struct arrow_field *field = &file->fields[i];
    if (!field->is_dictionary) continue;
    struct arrow_dictionary *known = find_dictionary(file, field->dictionary_id);
    if (known == NULL) {
      known = &file->dictionaries[file->dictionary_count++];
      known->id = field->dictionary_id;
      known->field = i;
    }
    if (file->fields[known->field].type != field->type) return ARROW_BAD_METADATA;
    field->dictionary = (int32_t)(known - file->dictionaries);
  }
  return ARROW_OK;
}

static enum arrow_error read_dictionary_batch(struct arrow_file *file, struct message *message) {
  struct flat_table records = flat_child(&message->header, 1);
  struct arrow_dictionary *dictionary = find_dictionary(file, flat_integer(&message->header, 0, 8, 0));
  bool is_delta = flat_integer(&message->header, 2, 1, 0) != 0;
  if (message->buffer.bad || records.at == 0 || dictionary == NULL) return ARROW_BAD_METADATA;
  if (flat_field(&records, 3) != 0) return ARROW_UNSUPPORTED;
  if (is_delta != (dictionary->part_count > 0)) return ARROW_BAD_METADATA;
  struct arrow_array *parts = realloc(dictionary->parts, (dictionary->part_count + 1) * sizeof *parts);
  if (parts == NULL) return ARROW_NO_MEMORY;
  dictionary->parts = parts;
  struct arrow_array *part = &parts[dictionary->part_count++];
  memset(part, 0, sizeof *part);
  struct cursor cursor = start_batch(file, message, &records);
  if (!take_array(&cursor, &file->fields[dictionary->field], part, true) || message->buffer.bad) return ARROW_BAD_BUFFER;
  dictionary->count += part->length;
  dictionary->has_nulls = dictionary->has_nulls || part->validity != NULL;
  return dictionary->count > INT32_MAX ? ARROW_UNSUPPORTED : ARROW_OK;
}

static enum arrow_error allocate_batches(struct arrow_file *file, uint32_t count) {
  /* Each batch of an honest file spends 16 bytes of its own on every field. */
  if ((uint64_t)count * file->field_count > file->size / 16) return ARROW_BAD_METADATA;
  file->batches = calloc((size_t)count + 1, sizeof *file->batches);
  file->batch_arrays = calloc((size_t)count * file->field_count + 1, sizeof *file->batch_arrays);
  if (file->batches == NULL || file->batch_arrays == NULL) return ARROW_NO_MEMORY;
  for (uint32_t i = 0; i < count; i++) file->batches[i].arrays = file->batch_arrays + (size_t)i * file->field_count;
  file->batch_count = count;
  return ARROW_OK;
}

enum arrow_error arrow_read_batches(struct arrow_file *file, const struct flat_table *footer, uint64_t footer_at) {
  struct flat_vector dictionaries = flat_list(footer, 2, BLOCK_BYTES);
  struct flat_vector records = flat_list(footer, 3, BLOCK_BYTES);
  if (footer->buffer->bad) return ARROW_BAD_METADATA;
  const uint8_t *blocks = footer->buffer->data;
  struct message message;
  enum arrow_error error = list_dictionaries(file);
  for (uint32_t i = 0; error == ARROW_OK && i < dictionaries.count; i++) {
    error = read_message(file, blocks + dictionaries.at + (size_t)i * BLOCK_BYTES, footer_at, MESSAGE_DICTIONARY, &message);
    if (error == ARROW_OK) error = read_dictionary_batch(file, &message);
  }
  if (error == ARROW_OK) error = allocate_batches(file, records.count);
  for (uint32_t i = 0; error == ARROW_OK && i < records.count; i++) {
    error = read_message(file, blocks + records.at + (size_t)i * BLOCK_BYTES, footer_at, MESSAGE_RECORDS, &message);
    if (error == ARROW_OK) error = read_records(file, &message, &file->batches[i]);
    file->row_count += file->batches[i].length;
    if (file->row_count > MAX_ROWS) return ARROW_BAD_METADATA;
  }
  return error;
}
