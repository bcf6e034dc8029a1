/*
 * An extension that loads only if every member of DuckDB's C API struct that duckdb-api.h names is the symbol of that
 * name in the libduckdb.so of this process.
 */
#define _GNU_SOURCE
#include <dlfcn.h>

#include "duckdb-api.h"

struct member {
  int place;
  const char *name;
};

#define NAME_MEMBER(place, result, name, parameters) {place, #name},
static const struct member members[] = {DUCKDB_API(NAME_MEMBER)};

__attribute__((visibility("default"))) bool api_check_init_c_api(void *info, struct duckdb_extension_access *access) {
  void *const *api = access->get_api(info, DUCKDB_API_VERSION);
  void *library = dlopen("libduckdb.so", RTLD_NOW | RTLD_NOLOAD);
  if (api == 0 || library == 0) {
    access->set_error(info, "api_check: no_library");
    return false;
  }
  for (unsigned i = 0; i < sizeof members / sizeof *members; i++) {
    if (api[members[i].place] == dlsym(library, members[i].name)) continue;
    access->set_error(info, members[i].name);
    return false;
  }
  return true;
}
