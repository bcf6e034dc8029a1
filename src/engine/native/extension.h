#ifndef SLUICE_EXTENSION_H
#define SLUICE_EXTENSION_H

#include "duckdb-api.h"
#include "product.h"

#define TYPE_ANY 34

/* A table function as it is registered. Parameters end with 0; TYPE_LIST stands for VARCHAR[]. */
struct function {
  const char *name;
  int parameters[4];
  duckdb_on_bind bind;
  duckdb_on_init init;
  duckdb_on_init local_init;
  duckdb_on_call call;
  bool projects;
};

extern const struct function scan_function, attach_function, seal_function;

#endif
