#ifndef SLUICE_VALUE_TYPE_H
#define SLUICE_VALUE_TYPE_H

#include "decode.h"

/* Describes a DuckDB logical type. Release the description in either case. */
bool value_type_read(struct value_type *type, void *logical);

#endif
