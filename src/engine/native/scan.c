/* `sluice_arrow(token)`: tasks of a product's rows, taken by as many threads as DuckDB has. */
#include <stdlib.h>
#include <string.h>

#include "extension.h"

struct scan {
  _Atomic uint32_t next_task;
  idx_t column_count;
  idx_t columns[]; /* places in the product; one beyond them is the placeholder */
};

struct cursor {
  const struct task *task;
  int64_t done;
};

/*
 * DuckDB asks for a table function's first column when a query needs none, as `count(*)`. So the first is a placeholder
 * that costs nothing to fill; the views of products do not show it, and its name is longer than any of theirs.
 */
static bool add_placeholder(duckdb_bind_info info, const struct product *product) {
  size_t bytes = 1;
  for (uint32_t i = 0; i < product->column_count; i++) {
    size_t own = strlen(product->columns[i].name) + 1;
    bytes = own > bytes ? own : bytes;
  }
  char *name = calloc(bytes + 1, 1);
  if (name == NULL) return false;
  memset(name, '_', bytes);
  duckdb_logical_type type = duckdb_create_logical_type(TYPE_BOOLEAN);
  duckdb_bind_add_result_column(info, name, type);
  duckdb_destroy_logical_type(&type);
  free(name);
  return true;
}

static void bind_scan(duckdb_bind_info info) {
  duckdb_value parameter = duckdb_bind_get_parameter(info, 0);
  char *token = parameter == NULL || duckdb_is_null_value(parameter) ? NULL : duckdb_get_varchar(parameter);
  struct product *product = token == NULL ? NULL : registry_find(duckdb_bind_get_extra_info(info), token);
  if (token != NULL) duckdb_free(token);
  if (parameter != NULL) duckdb_destroy_value(&parameter);
  if (product == NULL) {
    duckdb_bind_set_error(info, "sluice_arrow: unknown_product");
    return;
  }
  if (!add_placeholder(info, product)) {
    product_release(product);
    duckdb_bind_set_error(info, "sluice_arrow: no_memory");
    return;
  }
  for (uint32_t i = 0; i < product->column_count; i++)
    duckdb_bind_add_result_column(info, product->columns[i].name, product->columns[i].logical_type);
  duckdb_bind_set_cardinality(info, (idx_t)product->row_count, true);
  duckdb_bind_set_bind_data(info, product, product_release);
}

static void init_scan(duckdb_init_info info) {
  const struct product *product = duckdb_init_get_bind_data(info);
  idx_t count = duckdb_init_get_column_count(info);
  struct scan *scan = calloc(1, sizeof *scan + count * sizeof *scan->columns);
  if (scan == NULL) {
    duckdb_init_set_error(info, "sluice_arrow: no_memory");
    return;
  }
  scan->column_count = count;
  for (idx_t i = 0; i < count; i++) scan->columns[i] = duckdb_init_get_column_index(info, i) - 1;
  duckdb_init_set_max_threads(info, product->task_count == 0 ? 1 : product->task_count);
  duckdb_init_set_init_data(info, scan, free);
}

static void init_cursor(duckdb_init_info info) {
  struct cursor *cursor = calloc(1, sizeof *cursor);
  if (cursor == NULL) duckdb_init_set_error(info, "sluice_arrow: no_memory");
  duckdb_init_set_init_data(info, cursor, free);
}

static void *vector_data(void *vector) { return duckdb_vector_get_data(vector); }
static uint64_t *vector_validity(void *vector) {
  duckdb_vector_ensure_validity_writable(vector);
  return duckdb_vector_get_validity(vector);
}
static void *vector_struct_child(void *vector, uint32_t index) { return duckdb_struct_vector_get_child(vector, index); }
static void *vector_list_child(void *vector) { return duckdb_list_vector_get_child(vector); }
static bool vector_list_resize(void *vector, uint64_t children) {
  return duckdb_list_vector_reserve(vector, children) == 0 && duckdb_list_vector_set_size(vector, children) == 0;
}
static void *vector_array_child(void *vector) { return duckdb_array_vector_get_child(vector); }

static const struct sink duckdb_sink = {vector_data,       vector_validity,    vector_struct_child,
                                        vector_list_child, vector_list_resize, vector_array_child};

/* The next task, with the rows of its columns checked; false at the end or after an error. */
static bool take_task(const struct product *product, struct scan *scan, struct cursor *cursor, const char **error) {
  uint32_t next = atomic_fetch_add_explicit(&scan->next_task, 1, memory_order_relaxed);
  if (next >= product->task_count) {
    atomic_store_explicit(&scan->next_task, product->task_count, memory_order_relaxed);
    return false;
  }
  cursor->task = &product->tasks[next];
  cursor->done = 0;
  for (idx_t i = 0; i < scan->column_count; i++) {
    if (scan->columns[i] >= product->column_count) continue;
    const struct column *column = &product->columns[scan->columns[i]];
    const struct arrow_file *file = product->files[column->file];
    if (arrow_check_rows(file, &file->batches[cursor->task->batch], column->decoder.field)) continue;
    *error = "sluice_arrow: bad_rows";
    return false;
  }
  return true;
}

static void write_placeholder(duckdb_vector vector, int64_t count) {
  memset(vector_validity(vector), 0, (size_t)(count + 63) / 64 * 8);
}

static bool write_column(const struct product *product, idx_t index, const struct cursor *cursor, struct slice *slice) {
  if (index >= product->column_count) {
    write_placeholder(slice->vector, slice->count);
    return true;
  }
  const struct column *column = &product->columns[index];
  slice->batch = &product->files[column->file]->batches[cursor->task->batch];
  return decoder_write(&column->decoder, slice);
}

static void call_scan(duckdb_function_info info, duckdb_data_chunk output) {
  const struct product *product = duckdb_function_get_bind_data(info);
  struct scan *scan = duckdb_function_get_init_data(info);
  struct cursor *cursor = duckdb_function_get_local_init_data(info);
  const char *error = NULL;
  if ((cursor->task == NULL || cursor->done >= cursor->task->count) && !take_task(product, scan, cursor, &error)) {
    cursor->task = NULL;
    if (error != NULL) duckdb_function_set_error(info, error);
    duckdb_data_chunk_set_size(output, 0);
    return;
  }
  int64_t left = cursor->task->count - cursor->done;
  struct slice slice = {NULL, cursor->task->start + cursor->done, left < ROWS_PER_VECTOR ? left : ROWS_PER_VECTOR,
                        &duckdb_sink, NULL, NULL};
  for (idx_t i = 0; i < scan->column_count; i++) {
    slice.vector = duckdb_data_chunk_get_vector(output, i);
    if (write_column(product, scan->columns[i], cursor, &slice)) continue;
    duckdb_function_set_error(info, "sluice_arrow: bad_rows");
    duckdb_data_chunk_set_size(output, 0);
    return;
  }
  cursor->done += slice.count;
  duckdb_data_chunk_set_size(output, (idx_t)slice.count);
}

const struct function scan_function = {"sluice_arrow", {TYPE_VARCHAR, 0}, bind_scan, init_scan, init_cursor, call_scan, true};
