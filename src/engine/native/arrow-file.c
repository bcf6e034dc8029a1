/* Opening and closing: the mapping, the footer, and who frees what. */
#define _POSIX_C_SOURCE 200809L
#include "arrow-file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "flatbuffer.h"

#define MAGIC "ARROW1"
#define MAGIC_BYTES 6
/* magic, padding, footer length, magic */
#define SMALLEST_FILE 20

const char *arrow_error_text(enum arrow_error error) {
  switch (error) {
    case ARROW_OK: return "ok";
    case ARROW_CANNOT_OPEN: return "cannot_open";
    case ARROW_NO_MEMORY: return "no_memory";
    case ARROW_NOT_ARROW: return "not_arrow";
    case ARROW_BAD_METADATA: return "bad_metadata";
    case ARROW_BAD_BUFFER: return "bad_buffer";
    case ARROW_UNSUPPORTED: return "unsupported";
    case ARROW_BAD_ROWS: return "bad_rows";
  }
  return "unknown";
}

static enum arrow_error read_footer(struct arrow_file *file) {
  const uint8_t *end = file->base + file->size;
  if (memcmp(file->base, MAGIC, MAGIC_BYTES) != 0 || memcmp(end - MAGIC_BYTES, MAGIC, MAGIC_BYTES) != 0)
    return ARROW_NOT_ARROW;
  int32_t length;
  memcpy(&length, end - MAGIC_BYTES - 4, 4);
  if (length < 8 || (uint64_t)length > file->size - SMALLEST_FILE + 2) return ARROW_NOT_ARROW;
  uint64_t footer_at = file->size - MAGIC_BYTES - 4 - (uint64_t)length;
  struct flatbuffer buffer = {file->base + footer_at, (uint32_t)length, false};
  struct flat_table footer = flat_root(&buffer);
  struct flat_table schema = flat_child(&footer, 1);
  if (buffer.bad || schema.at == 0) return ARROW_BAD_METADATA;
  enum arrow_error error = arrow_read_schema(file, &schema);
  if (error == ARROW_OK) error = arrow_read_batches(file, &footer, footer_at);
  return error;
}

static enum arrow_error open_bytes(const uint8_t *base, size_t size, bool is_mapped, struct arrow_file **out) {
  struct arrow_file *file = calloc(1, sizeof *file);
  if (file == NULL) {
    if (is_mapped) munmap((void *)base, size);
    return ARROW_NO_MEMORY;
  }
  file->base = base;
  file->size = size;
  file->is_mapped = is_mapped;
  enum arrow_error error = read_footer(file);
  if (error != ARROW_OK) {
    arrow_close(file);
    return error;
  }
  *out = file;
  return ARROW_OK;
}

enum arrow_error arrow_open_memory(const uint8_t *bytes, size_t size, struct arrow_file **out) {
  *out = NULL;
  return size < SMALLEST_FILE ? ARROW_NOT_ARROW : open_bytes(bytes, size, false, out);
}

enum arrow_error arrow_open(const char *path, struct arrow_file **out) {
  *out = NULL;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (descriptor < 0) return ARROW_CANNOT_OPEN;
  struct stat status;
  if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    close(descriptor);
    return ARROW_CANNOT_OPEN;
  }
  if (status.st_size < SMALLEST_FILE) {
    close(descriptor);
    return ARROW_NOT_ARROW;
  }
  size_t size = (size_t)status.st_size;
  void *base = mmap(NULL, size, PROT_READ, MAP_SHARED, descriptor, 0);
  close(descriptor);
  if (base == MAP_FAILED) return ARROW_CANNOT_OPEN;
  return open_bytes(base, size, true, out);
}

void arrow_close(struct arrow_file *file) {
  if (file == NULL) return;
  for (uint32_t i = 0; i < file->dictionary_count; i++) {
    free(atomic_load(&file->dictionaries[i].views));
    free(file->dictionaries[i].parts);
  }
  free(file->dictionaries);
  free(file->batch_arrays);
  free(file->batches);
  free(file->columns);
  free(file->fields);
  if (file->is_mapped) munmap((void *)file->base, file->size);
  free(file);
}
