/* The products of one DuckDB instance: mapped files, the columns granted, and the tasks of a scan. */
#ifndef SLUICE_PRODUCT_H
#define SLUICE_PRODUCT_H

#include <pthread.h>
#include <stdatomic.h>

#include "decode.h"

#define ROWS_PER_VECTOR 2048
#define ROWS_PER_TASK 122880

struct column {
  char *name;
  uint32_t file;
  struct decoder decoder;
  void *logical_type; /* DuckDB's own, for binding */
};

struct task {
  uint32_t batch;
  int64_t start, count;
};

/* Alive while it is registered or a statement is bound to it; then its files are unmapped. */
struct product {
  _Atomic uint32_t references;
  char *token;
  uint32_t file_count;
  struct arrow_file **files;
  uint32_t column_count;
  struct column *columns;
  uint32_t task_count;
  struct task *tasks;
  int64_t row_count;
  struct product *next;
};

/* What may be scanned. INVARIANT: once sealed no file is opened any more, whatever a statement says. */
struct registry {
  _Atomic uint32_t references;
  pthread_mutex_t lock;
  bool is_sealed;
  struct product *products;
};

struct registry *registry_create(void);
struct registry *registry_retain(struct registry *registry);
void registry_release(void *registry);
void registry_seal(struct registry *registry);
bool registry_is_sealed(struct registry *registry);
/* NULL when there is none; else a reference that the caller releases. */
struct product *registry_find(struct registry *registry, const char *token);
/* False when sealed or the token is taken; else the registry keeps the caller's reference. */
bool registry_add(struct registry *registry, struct product *product);

struct product *product_create(const char *token, uint32_t file_count, uint32_t column_count);
void product_release(void *product);
/* Opens a file in its place. */
enum arrow_error product_open_file(struct product *product, uint32_t place, const char *path);
/* Finds the one file that has the column and binds its type. The name is copied. */
bool product_bind_column(struct product *product, uint32_t place, const char *name, const struct value_type *type);
/* After all columns: compares the files' batches and lists the tasks. */
enum arrow_error product_plan(struct product *product);

#endif
