/*
 * The DuckDB extension: `sluice_arrow(token)` scans a product in place, `sluice_arrow_attach(token, files, schema)`
 * opens one (attach.c) and `sluice_arrow_seal()` ends opening for good. Each instance that loads the extension has a registry
 * of its own, freed with the functions. The aggregate functions are those of aggregate.c.
 */
#include <stdlib.h>

#include "aggregate.h"
#include "extension.h"

#define DUCKDB_DEFINE(place, result, name, parameters) result(*name) parameters;
DUCKDB_API(DUCKDB_DEFINE)
#undef DUCKDB_DEFINE

/* Once in a process: a second instance must not write what the threads of the first read. */
static void fill_api(const void *api) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  static bool is_filled = false;
  void *const *members = api;
  pthread_mutex_lock(&lock);
  if (is_filled) {
    pthread_mutex_unlock(&lock);
    return;
  }
#define DUCKDB_FILL(place, result, name, parameters) name = (result(*) parameters)members[place];
  DUCKDB_API(DUCKDB_FILL)
#undef DUCKDB_FILL
  is_filled = true;
  pthread_mutex_unlock(&lock);
}

static bool register_function(duckdb_connection connection, const struct function *function, struct registry *registry) {
  duckdb_table_function table = duckdb_create_table_function();
  duckdb_table_function_set_name(table, function->name);
  for (const int *parameter = function->parameters; *parameter != 0; parameter++) {
    duckdb_logical_type type = duckdb_create_logical_type(*parameter == TYPE_LIST ? TYPE_VARCHAR : *parameter);
    duckdb_logical_type list = *parameter == TYPE_LIST ? duckdb_create_list_type(type) : NULL;
    duckdb_table_function_add_parameter(table, list != NULL ? list : type);
    if (list != NULL) duckdb_destroy_logical_type(&list);
    duckdb_destroy_logical_type(&type);
  }
  duckdb_table_function_set_extra_info(table, registry_retain(registry), registry_release);
  duckdb_table_function_set_bind(table, function->bind);
  duckdb_table_function_set_init(table, function->init);
  if (function->local_init != NULL) duckdb_table_function_set_local_init(table, function->local_init);
  duckdb_table_function_set_function(table, function->call);
  duckdb_table_function_supports_projection_pushdown(table, function->projects);
  bool registered = duckdb_register_table_function(connection, table) == 0;
  duckdb_destroy_table_function(&table);
  return registered;
}

__attribute__((visibility("default"))) bool sluice_arrow_init_c_api(void *info, struct duckdb_extension_access *access) {
  const void *api = access->get_api(info, DUCKDB_API_VERSION);
  if (api == NULL) return false;
  fill_api(api);
  duckdb_database *database = access->get_database(info);
  struct registry *registry = registry_create();
  duckdb_connection connection;
  if (database == NULL || registry == NULL || duckdb_connect(*database, &connection) != 0) {
    registry_release(registry);
    access->set_error(info, "sluice_arrow: no_connection");
    return false;
  }
  bool registered = register_function(connection, &scan_function, registry) &&
                    register_function(connection, &attach_function, registry) &&
                    register_function(connection, &seal_function, registry) && register_aggregates(connection);
  duckdb_disconnect(&connection);
  registry_release(registry);
  if (!registered) access->set_error(info, "sluice_arrow: not_registered");
  return registered;
}
