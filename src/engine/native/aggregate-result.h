/* What the aggregate functions answer: how bounds are laid out in vectors of DuckDB's STRUCT type. */
#ifndef SLUICE_AGGREGATE_RESULT_H
#define SLUICE_AGGREGATE_RESULT_H

#include "amounts.h"
#include "counts.h"
#include "duckdb-api.h"
#include "regions.h"

/* Places are those of `members` in aggregate-result.c. */
struct amounts_result {
  bool *complete;
  int64_t *rows, *subjects, *non_neutral, *off_mode;
  double *total, *first, *second;
  struct wide *nearest, *rest, *sketch;
};

duckdb_logical_type amounts_type(void);
struct amounts_result amounts_result_of(duckdb_vector result);
void amounts_result_put(struct amounts_result *columns, idx_t row, const struct amounts *amounts);
void counts_result_put(struct amounts_result *columns, idx_t row, const struct counts *counts);

duckdb_logical_type regions_type(void);
void regions_result_put(duckdb_vector result, idx_t row, const struct regions *regions);

#endif
