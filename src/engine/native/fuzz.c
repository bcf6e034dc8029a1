/*
 * Mutation fuzzer of the reader: `fuzz-arrow FILE CASES SEED`. Each case damages a copy of the file, opens it, and
 * scans every column through the decoders into plain memory. Built with AddressSanitizer and UBSan, so any read outside the
 * file ends the process. The same seed gives the same cases.
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"

#define ROWS 2048
#define MOST_ROWS_A_COLUMN 8192
/* A damaged list may claim more children than this harness keeps memory for; DuckDB then fails to allocate. */
#define MOST_CHILDREN (1 << 20)

static uint64_t random_state;
static uint64_t random_next(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}
static uint64_t random_below(uint64_t limit) { return limit == 0 ? 0 : random_next() % limit; }

/* A vector in plain memory: exactly as large as its rows need, so that a write beyond them is seen. */
struct memory {
  const struct value_type *type;
  uint64_t rows;
  uint8_t *data;
  uint64_t *validity;
  struct memory *children;
};

static uint64_t value_bytes(const struct value_type *type) {
  switch (type->id) {
    case TYPE_BOOLEAN: case TYPE_TINYINT: case TYPE_UTINYINT: return 1;
    case TYPE_SMALLINT: case TYPE_USMALLINT: return 2;
    case TYPE_INTEGER: case TYPE_UINTEGER: case TYPE_FLOAT: case TYPE_DATE: return 4;
    case TYPE_HUGEINT: case TYPE_UHUGEINT: case TYPE_UUID: case TYPE_INTERVAL: case TYPE_VARCHAR: case TYPE_BLOB:
    case TYPE_LIST: case TYPE_MAP: return 16;
    case TYPE_STRUCT: case TYPE_ARRAY: return 0;
    case TYPE_ENUM: return type->width;
    case TYPE_DECIMAL: return type->width <= 4 ? 2 : type->width <= 9 ? 4 : type->width <= 18 ? 8 : 16;
    default: return 8;
  }
}

static void memory_release(struct memory *memory) {
  for (uint32_t i = 0; memory->children != NULL && i < memory->type->child_count; i++) memory_release(&memory->children[i]);
  free(memory->children);
  free(memory->data);
  free(memory->validity);
  memory->children = NULL;
  memory->data = NULL;
  memory->validity = NULL;
}

static void memory_create(struct memory *memory, const struct value_type *type, uint64_t rows) {
  *memory = (struct memory){type, rows, malloc(rows * value_bytes(type) + (rows == 0)), NULL, NULL};
  if (type->child_count == 0) return;
  memory->children = calloc(type->child_count, sizeof *memory->children);
  for (uint32_t i = 0; i < type->child_count; i++) {
    uint64_t child_rows = type->id == TYPE_ARRAY ? rows * type->array_size : type->id == TYPE_STRUCT ? rows : 0;
    memory_create(&memory->children[i], &type->children[i], child_rows);
  }
}

static void *memory_data(void *vector) { return ((struct memory *)vector)->data; }
static uint64_t *memory_validity(void *vector) {
  struct memory *memory = vector;
  uint64_t bytes = (memory->rows + 63) / 64 * 8;
  if (memory->validity == NULL && (memory->validity = malloc(bytes + (bytes == 0))) != NULL)
    memset(memory->validity, 0xff, bytes);
  return memory->validity;
}
static void *memory_child(void *vector, uint32_t index) { return &((struct memory *)vector)->children[index]; }
static void *memory_only_child(void *vector) { return memory_child(vector, 0); }
static bool memory_resize(void *vector, uint64_t children) {
  struct memory *memory = vector;
  if (children > MOST_CHILDREN) return false;
  memory_release(&memory->children[0]);
  memory_create(&memory->children[0], &memory->type->children[0], children);
  return true;
}
static const struct sink memory_sink = {memory_data,       memory_validity, memory_child,
                                        memory_only_child, memory_resize,   memory_only_child};

/* Touches every byte that a string leads to, so that a wrong pointer is seen. */
static uint64_t read_all(const struct memory *memory, uint64_t rows) {
  uint64_t sum = 0;
  if (memory->type->id != TYPE_VARCHAR && memory->type->id != TYPE_BLOB) return sum;
  const struct string_view *views = (const struct string_view *)memory->data;
  for (uint64_t row = 0; row < rows; row++) {
    if (memory->validity != NULL && !row_is_valid(memory->validity, (int64_t)row)) continue;
    const char *text = views[row].length <= 12 ? views[row].prefix : views[row].pointer;
    uint64_t step = views[row].length > 4096 ? views[row].length / 64 : 1;
    for (uint64_t i = 0; i < views[row].length; i += step) sum += (uint8_t)text[i];
    if (views[row].length > 0) sum += (uint8_t)text[views[row].length - 1];
  }
  return sum;
}

static int integer_type(int bits, bool is_signed) {
  int place = bits == 8 ? 0 : bits == 16 ? 1 : bits == 32 ? 2 : 3;
  return (is_signed ? TYPE_TINYINT : TYPE_UTINYINT) + place;
}

static void natural_type(const struct arrow_file *file, uint32_t place, struct value_type *type);

static void natural_children(const struct arrow_file *file, uint32_t place, struct value_type *type) {
  type->child_count = file->fields[place].child_count;
  type->children = calloc((size_t)type->child_count + 1, sizeof *type->children);
  uint32_t child = place + 1;
  for (uint32_t i = 0; i < type->child_count; i++, child += file->fields[child].span)
    natural_type(file, child, &type->children[i]);
}

/* Every label of a dictionary is declared, so that the column can also be read as an ENUM, of codes of any width. */
static bool make_enum(struct arrow_file *file, const struct arrow_field *field, struct value_type *type) {
  struct arrow_dictionary *dictionary = &file->dictionaries[field->dictionary];
  const struct string_view *views = arrow_dictionary_views(dictionary, file);
  if (views == NULL || dictionary->has_nulls || dictionary->count == 0 || dictionary->count > 255) return false;
  *type = (struct value_type){.id = TYPE_ENUM, .width = (uint8_t)(1u << random_below(3)), .label_count = (uint32_t)dictionary->count};
  type->labels = calloc(type->label_count, sizeof *type->labels);
  for (uint32_t i = 0; i < type->label_count; i++)
    type->labels[i] = strndup(views[i].length <= 12 ? views[i].prefix : views[i].pointer, views[i].length);
  return true;
}

static int timestamp_type(const struct arrow_field *field) {
  static const int by_unit[] = {TYPE_TIMESTAMP_S, TYPE_TIMESTAMP_MS, TYPE_TIMESTAMP, TYPE_TIMESTAMP_NS};
  return field->has_timezone && field->unit == ARROW_MICROSECOND ? TYPE_TIMESTAMP_TZ : by_unit[field->unit];
}

static void natural_type(const struct arrow_file *file, uint32_t place, struct value_type *type) {
  const struct arrow_field *field = &file->fields[place];
  *type = (struct value_type){.id = TYPE_SQLNULL};
  switch (field->type) {
    case ARROW_NULL: break;
    case ARROW_INT: type->id = integer_type(field->bits, field->is_signed); break;
    case ARROW_FLOAT: type->id = field->bits == 32 ? TYPE_FLOAT : TYPE_DOUBLE; break;
    case ARROW_BINARY: case ARROW_LARGE_BINARY: type->id = TYPE_BLOB; break;
    case ARROW_UTF8: case ARROW_LARGE_UTF8: type->id = TYPE_VARCHAR; break;
    case ARROW_BOOL: type->id = TYPE_BOOLEAN; break;
    case ARROW_DECIMAL:
      type->id = TYPE_DECIMAL;
      type->width = (uint8_t)(field->precision > 38 || field->precision < 1 ? 38 : field->precision);
      type->scale = (uint8_t)field->scale;
      break;
    case ARROW_DATE: type->id = TYPE_DATE; break;
    case ARROW_TIME: type->id = field->unit == ARROW_NANOSECOND ? TYPE_TIME_NS : TYPE_TIME; break;
    case ARROW_TIMESTAMP: type->id = timestamp_type(field); break;
    case ARROW_INTERVAL: type->id = TYPE_INTERVAL; break;
    case ARROW_FIXED_BINARY: type->id = field->bits == 128 && random_below(2) ? TYPE_UUID : TYPE_BLOB; break;
    case ARROW_STRUCT: type->id = TYPE_STRUCT; natural_children(file, place, type); break;
    case ARROW_LIST: case ARROW_LARGE_LIST: type->id = TYPE_LIST; natural_children(file, place, type); break;
    case ARROW_MAP: type->id = TYPE_MAP; natural_children(file, place, type); break;
    case ARROW_FIXED_LIST:
      type->id = TYPE_ARRAY;
      type->array_size = (uint64_t)field->scale;
      natural_children(file, place, type);
      break;
  }
}

static uint64_t scanned, refused, unbound, unsound;

static void scan_column(const struct decoder *decoder, const struct value_type *type) {
  int64_t left = MOST_ROWS_A_COLUMN;
  for (uint32_t b = 0; b < decoder->file->batch_count && left > 0; b++) {
    const struct arrow_batch *batch = &decoder->file->batches[b];
    if (!arrow_check_rows(decoder->file, batch, decoder->field)) {
      unsound++;
      continue;
    }
    for (int64_t start = 0; start < batch->length && left > 0; start += ROWS, left -= ROWS) {
      int64_t count = batch->length - start < ROWS ? batch->length - start : ROWS;
      if (type->id == TYPE_ARRAY && type->array_size > 256) return;
      struct memory memory;
      memory_create(&memory, type, (uint64_t)count);
      struct slice slice = {batch, start, count, &memory_sink, &memory, NULL};
      if (decoder_write(decoder, &slice)) scanned += 1 + (read_all(&memory, (uint64_t)count) & 0);
      memory_release(&memory);
    }
  }
}

static void scan_as(struct arrow_file *file, uint32_t place, struct value_type *type) {
  struct decoder decoder = {0};
  if (decoder_bind(&decoder, file, place, type)) scan_column(&decoder, type);
  else unbound++;
  decoder_release(&decoder);
  value_type_release(type);
}

static void scan_file(struct arrow_file *file) {
  for (uint32_t c = 0; c < file->column_count; c++) {
    uint32_t place = file->columns[c];
    struct value_type type;
    natural_type(file, place, &type);
    scan_as(file, place, &type);
    if (file->fields[place].is_dictionary && make_enum(file, &file->fields[place], &type)) scan_as(file, place, &type);
  }
}

/* The parts that steer the reader are few: two thirds of the damage goes to the footer, and much to the metadata before it. */
static size_t random_place(const uint8_t *bytes, size_t size) {
  int32_t footer = 0;
  if (size > 20) memcpy(&footer, bytes + size - 10, 4);
  if (footer > 0 && (size_t)footer + 10 < size && random_below(3) < 2)
    return size - 10 - (size_t)footer + random_below((uint64_t)footer + 10);
  return random_below(size);
}

static void mutate_once(uint8_t *bytes, size_t size) {
  static const uint64_t awkward[] = {0, 1, 2, 3, 7, 8, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000,
                                     0xffffffff, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff};
  size_t at = random_place(bytes, size);
  uint64_t value = random_below(3) ? awkward[random_below(sizeof awkward / sizeof *awkward)] : random_next() % (size * 2);
  size_t width = (size_t)1 << random_below(4);
  switch (random_below(6)) {
    case 0: bytes[at] ^= (uint8_t)(1u << random_below(8)); break;
    case 1: bytes[at] = (uint8_t)random_next(); break;
    case 2: bytes[at] = (uint8_t)(bytes[at] + random_below(33) - 16); break;
    case 3: case 4:
      at -= at % width;
      if (width <= size - at) memcpy(bytes + at, &value, width);
      break;
    default: {
      size_t from = random_place(bytes, size), length = 1 + random_below(32);
      if (from + length <= size && at + length <= size) memmove(bytes + at, bytes + from, length);
    }
  }
}

static void run_case(const uint8_t *original, size_t size) {
  size_t kept = random_below(20) == 0 ? random_below(size) : size;
  /* Exactly as many bytes as the file has: a read behind its end is seen. */
  uint8_t *bytes = malloc(kept + (kept == 0));
  memcpy(bytes, original, kept);
  for (uint64_t i = 0, damage = 1 + random_below(6); kept > 0 && i < damage; i++) mutate_once(bytes, kept);
  struct arrow_file *file;
  if (arrow_open_memory(bytes, kept, &file) == ARROW_OK) scan_file(file);
  else refused++;
  arrow_close(file);
  free(bytes);
}

static uint8_t *read_file(const char *path, size_t *size) {
  FILE *stream = fopen(path, "rb");
  if (stream == NULL || fseek(stream, 0, SEEK_END) != 0) return NULL;
  *size = (size_t)ftell(stream);
  rewind(stream);
  uint8_t *bytes = malloc(*size + 1);
  size_t read = fread(bytes, 1, *size, stream);
  fclose(stream);
  return read == *size && *size > 0 ? bytes : NULL;
}

int main(int argc, char **argv) {
  size_t size;
  uint8_t *original = argc == 4 ? read_file(argv[1], &size) : NULL;
  if (original == NULL) {
    fprintf(stderr, "usage: fuzz-arrow FILE CASES SEED\n");
    return 2;
  }
  struct arrow_file *file;
  if (arrow_open_memory(original, size, &file) != ARROW_OK) return 3;
  random_state = 1;
  scan_file(file);
  arrow_close(file);
  if (unbound > 0 || unsound > 0 || scanned == 0) return 4;
  scanned = 0;
  uint64_t cases = strtoull(argv[2], NULL, 10), seed = strtoull(argv[3], NULL, 10);
  for (uint64_t i = 0; i < cases; i++) {
    random_state = (seed + i) * 0x9e3779b97f4a7c15ull | 1;
    run_case(original, size);
  }
  printf("{\"cases\":%llu,\"refused\":%llu,\"unbound\":%llu,\"unsound\":%llu,\"slices\":%llu}\n", (unsigned long long)cases,
         (unsigned long long)refused, (unsigned long long)unbound, (unsigned long long)unsound, (unsigned long long)scanned);
  free(original);
  return 0;
}
