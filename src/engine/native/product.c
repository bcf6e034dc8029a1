#define _POSIX_C_SOURCE 200809L
#include "product.h"

#include <stdlib.h>
#include <string.h>

#include "duckdb-api.h"

struct registry *registry_create(void) {
  struct registry *registry = calloc(1, sizeof *registry);
  if (registry == NULL) return NULL;
  if (pthread_mutex_init(&registry->lock, NULL) != 0) {
    free(registry);
    return NULL;
  }
  atomic_store(&registry->references, 1);
  return registry;
}

struct registry *registry_retain(struct registry *registry) {
  atomic_fetch_add(&registry->references, 1);
  return registry;
}

void registry_release(void *data) {
  struct registry *registry = data;
  if (registry == NULL || atomic_fetch_sub(&registry->references, 1) != 1) return;
  while (registry->products != NULL) {
    struct product *product = registry->products;
    registry->products = product->next;
    product_release(product);
  }
  pthread_mutex_destroy(&registry->lock);
  free(registry);
}

void registry_seal(struct registry *registry) {
  pthread_mutex_lock(&registry->lock);
  registry->is_sealed = true;
  pthread_mutex_unlock(&registry->lock);
}

bool registry_is_sealed(struct registry *registry) {
  pthread_mutex_lock(&registry->lock);
  bool is_sealed = registry->is_sealed;
  pthread_mutex_unlock(&registry->lock);
  return is_sealed;
}

static struct product *find_locked(struct registry *registry, const char *token) {
  for (struct product *product = registry->products; product != NULL; product = product->next)
    if (strcmp(product->token, token) == 0) return product;
  return NULL;
}

struct product *registry_find(struct registry *registry, const char *token) {
  pthread_mutex_lock(&registry->lock);
  struct product *product = find_locked(registry, token);
  if (product != NULL) atomic_fetch_add(&product->references, 1);
  pthread_mutex_unlock(&registry->lock);
  return product;
}

bool registry_add(struct registry *registry, struct product *product) {
  pthread_mutex_lock(&registry->lock);
  bool added = !registry->is_sealed && find_locked(registry, product->token) == NULL;
  if (added) {
    product->next = registry->products;
    registry->products = product;
  }
  pthread_mutex_unlock(&registry->lock);
  return added;
}

struct product *product_create(const char *token, uint32_t file_count, uint32_t column_count) {
  struct product *product = calloc(1, sizeof *product);
  if (product == NULL) return NULL;
  atomic_store(&product->references, 1);
  product->token = strdup(token);
  product->files = calloc((size_t)file_count + 1, sizeof *product->files);
  product->columns = calloc((size_t)column_count + 1, sizeof *product->columns);
  if (product->token == NULL || product->files == NULL || product->columns == NULL) {
    product_release(product);
    return NULL;
  }
  product->file_count = file_count;
  product->column_count = column_count;
  return product;
}

void product_release(void *data) {
  struct product *product = data;
  if (product == NULL || atomic_fetch_sub(&product->references, 1) != 1) return;
  for (uint32_t i = 0; i < product->column_count; i++) {
    decoder_release(&product->columns[i].decoder);
    if (product->columns[i].logical_type != NULL) duckdb_destroy_logical_type(&product->columns[i].logical_type);
    free(product->columns[i].name);
  }
  for (uint32_t i = 0; i < product->file_count; i++) arrow_close(product->files[i]);
  free(product->tasks);
  free(product->columns);
  free(product->files);
  free(product->token);
  free(product);
}

enum arrow_error product_open_file(struct product *product, uint32_t place, const char *path) {
  return arrow_open(path, &product->files[place]);
}

static bool find_column(const struct product *product, const char *name, uint32_t *file_out, uint32_t *field_out) {
  size_t bytes = strlen(name);
  uint32_t found = 0;
  for (uint32_t f = 0; f < product->file_count; f++) {
    const struct arrow_file *file = product->files[f];
    for (uint32_t c = 0; c < file->column_count; c++) {
      const struct arrow_field *field = &file->fields[file->columns[c]];
      if (field->name_bytes != bytes || memcmp(field->name, name, bytes) != 0) continue;
      *file_out = f;
      *field_out = file->columns[c];
      found++;
    }
  }
  return found == 1;
}

bool product_bind_column(struct product *product, uint32_t place, const char *name, const struct value_type *type) {
  struct column *column = &product->columns[place];
  uint32_t field;
  if (!find_column(product, name, &column->file, &field)) return false;
  column->name = strdup(name);
  return column->name != NULL && decoder_bind(&column->decoder, product->files[column->file], field, type);
}

static bool same_batches(const struct arrow_file *left, const struct arrow_file *right) {
  if (left->batch_count != right->batch_count) return false;
  for (uint32_t i = 0; i < left->batch_count; i++)
    if (left->batches[i].length != right->batches[i].length) return false;
  return true;
}

static uint32_t count_tasks(const struct arrow_file *file) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < file->batch_count; i++)
    count += ((uint64_t)file->batches[i].length + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
  return count > INT32_MAX ? UINT32_MAX : (uint32_t)count;
}

enum arrow_error product_plan(struct product *product) {
  const struct arrow_file *first = product->file_count > 0 ? product->files[0] : NULL;
  if (first == NULL) return ARROW_BAD_METADATA;
  for (uint32_t i = 1; i < product->file_count; i++)
    if (!same_batches(first, product->files[i])) return ARROW_BAD_METADATA;
  uint32_t count = count_tasks(first);
  if (count == UINT32_MAX) return ARROW_UNSUPPORTED;
  product->tasks = calloc((size_t)count + 1, sizeof *product->tasks);
  if (product->tasks == NULL) return ARROW_NO_MEMORY;
  for (uint32_t b = 0; b < first->batch_count; b++) {
    int64_t length = first->batches[b].length;
    for (int64_t start = 0; start < length; start += ROWS_PER_TASK) {
      int64_t rows = length - start < ROWS_PER_TASK ? length - start : ROWS_PER_TASK;
      product->tasks[product->task_count++] = (struct task){b, start, rows};
    }
    product->row_count += length;
  }
  return ARROW_OK;
}
