/*
 * `sluice_arrow_attach(token VARCHAR, files VARCHAR[], schema)`: opens a product's files. `schema` is any value, NULL
 * as well, of type STRUCT(column type, …): DuckDB reads the types, so there is no second parser of their names.
 * `sluice_arrow_seal()`: after it, no file is opened in this instance.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "extension.h"
#include "value-type.h"

struct request {
  char *token;
  uint32_t file_count;
  char **files;
  duckdb_logical_type schema;
};

/* One row is the answer: rows of the product. */
struct answer {
  int64_t rows;
  bool given;
};

static void release_request(void *data) {
  struct request *request = data;
  if (request == NULL) return;
  for (uint32_t i = 0; i < request->file_count; i++)
    if (request->files[i] != NULL) duckdb_free(request->files[i]);
  if (request->token != NULL) duckdb_free(request->token);
  if (request->schema != NULL) duckdb_destroy_logical_type(&request->schema);
  free(request->files);
  free(request);
}

/* `duckdb_get_value_type` lends the value's own type: it must be neither kept nor destroyed. A one-field copy is taken
 * by way of a list type, whose child DuckDB hands out as an object of its own. */
static duckdb_logical_type copy_type(duckdb_logical_type lent) {
  duckdb_logical_type list = duckdb_create_list_type(lent);
  duckdb_logical_type copy = duckdb_list_type_child_type(list);
  duckdb_destroy_logical_type(&list);
  return copy;
}

static char *take_varchar(duckdb_value value) {
  char *text = value == NULL || duckdb_is_null_value(value) ? NULL : duckdb_get_varchar(value);
  if (value != NULL) duckdb_destroy_value(&value);
  return text;
}

static bool take_files(struct request *request, duckdb_value list) {
  idx_t count = list == NULL || duckdb_is_null_value(list) ? 0 : duckdb_get_list_size(list);
  if (count == 0 || count > 10000) return false;
  request->files = calloc(count, sizeof *request->files);
  if (request->files == NULL) return false;
  request->file_count = (uint32_t)count;
  for (idx_t i = 0; i < count; i++) {
    request->files[i] = take_varchar(duckdb_get_list_child(list, i));
    if (request->files[i] == NULL) return false;
  }
  return true;
}

static bool read_request(duckdb_bind_info info, struct request *request) {
  duckdb_value files = duckdb_bind_get_parameter(info, 1), schema = duckdb_bind_get_parameter(info, 2);
  request->token = take_varchar(duckdb_bind_get_parameter(info, 0));
  bool read = request->token != NULL && take_files(request, files) && schema != NULL;
  if (read) request->schema = copy_type(duckdb_get_value_type(schema));
  if (files != NULL) duckdb_destroy_value(&files);
  if (schema != NULL) duckdb_destroy_value(&schema);
  return read && duckdb_get_type_id(request->schema) == TYPE_STRUCT;
}

static void add_answer_column(duckdb_bind_info info) {
  duckdb_logical_type type = duckdb_create_logical_type(TYPE_BIGINT);
  duckdb_bind_add_result_column(info, "rows", type);
  duckdb_destroy_logical_type(&type);
}

static void bind_attach(duckdb_bind_info info) {
  struct request *request = calloc(1, sizeof *request);
  add_answer_column(info);
  if (request == NULL || !read_request(info, request)) {
    release_request(request);
    duckdb_bind_set_error(info, "sluice_arrow: bad_request");
    return;
  }
  duckdb_bind_set_bind_data(info, request, release_request);
}

static bool bind_column(struct product *product, uint32_t place, duckdb_logical_type schema) {
  struct value_type type = {0};
  char *name = duckdb_struct_type_child_name(schema, place);
  duckdb_logical_type logical = duckdb_struct_type_child_type(schema, place);
  product->columns[place].logical_type = logical;
  bool bound = name != NULL && logical != NULL && value_type_read(&type, logical) &&
               product_bind_column(product, place, name, &type);
  value_type_release(&type);
  if (name != NULL) duckdb_free(name);
  return bound;
}

/* NULL and an error's text, or a product that can be scanned. */
static struct product *open_product(const struct request *request, const char **error) {
  uint32_t columns = (uint32_t)duckdb_struct_type_child_count(request->schema);
  struct product *product = product_create(request->token, request->file_count, columns);
  enum arrow_error failed = product == NULL ? ARROW_NO_MEMORY : ARROW_OK;
  for (uint32_t i = 0; failed == ARROW_OK && i < request->file_count; i++)
    failed = product_open_file(product, i, request->files[i]);
  *error = arrow_error_text(failed);
  for (uint32_t i = 0; failed == ARROW_OK && i < columns; i++) {
    if (bind_column(product, i, request->schema)) continue;
    failed = ARROW_UNSUPPORTED;
    *error = "column_mismatch";
  }
  if (failed == ARROW_OK) {
    failed = product_plan(product);
    *error = arrow_error_text(failed);
  }
  if (failed == ARROW_OK) return product;
  product_release(product);
  return NULL;
}

static void give_answer(duckdb_init_info info, int64_t rows) {
  struct answer *answer = calloc(1, sizeof *answer);
  if (answer == NULL) {
    duckdb_init_set_error(info, "sluice_arrow: no_memory");
    return;
  }
  answer->rows = rows;
  duckdb_init_set_init_data(info, answer, free);
}

static void fail_attach(duckdb_init_info info, const char *error) {
  char text[80];
  snprintf(text, sizeof text, "sluice_arrow: %s", error);
  duckdb_init_set_error(info, text);
}

/* Opening happens when the statement runs, not when it is prepared: a statement may be bound more than once. */
static void init_attach(duckdb_init_info info) {
  struct registry *registry = duckdb_init_get_extra_info(info);
  const struct request *request = duckdb_init_get_bind_data(info);
  if (registry_is_sealed(registry)) {
    fail_attach(info, "sealed");
    return;
  }
  const char *error = NULL;
  struct product *product = open_product(request, &error);
  if (product == NULL) {
    fail_attach(info, error);
    return;
  }
  int64_t rows = product->row_count;
  if (!registry_add(registry, product)) {
    product_release(product);
    fail_attach(info, "token_taken");
    return;
  }
  give_answer(info, rows);
}

static void bind_seal(duckdb_bind_info info) { add_answer_column(info); }

static void init_seal(duckdb_init_info info) {
  registry_seal(duckdb_init_get_extra_info(info));
  give_answer(info, 0);
}

static void call_answer(duckdb_function_info info, duckdb_data_chunk output) {
  struct answer *answer = duckdb_function_get_init_data(info);
  if (!answer->given) *(int64_t *)duckdb_vector_get_data(duckdb_data_chunk_get_vector(output, 0)) = answer->rows;
  duckdb_data_chunk_set_size(output, answer->given ? 0 : 1);
  answer->given = true;
}

const struct function attach_function = {"sluice_arrow_attach", {TYPE_VARCHAR, TYPE_LIST, TYPE_ANY, 0}, bind_attach, init_attach, NULL, call_answer, false};
const struct function seal_function = {"sluice_arrow_seal", {0}, bind_seal, init_seal, NULL, call_answer, false};
