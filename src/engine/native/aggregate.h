#ifndef SLUICE_AGGREGATE_H
#define SLUICE_AGGREGATE_H

#include "duckdb-api.h"

/* Registers the aggregate functions over the subjects of cells. */
bool register_aggregates(duckdb_connection connection);

#endif
