/*
 * The part of DuckDB's C extension API that is used here, declared by hand.
 *
 * Source: src/include/duckdb_extension.h of duckdb/duckdb at tag v1.5.5 (`duckdb_ext_api_v1`). Its first 357 members are
 * the API "v1.2.0", which DuckDB promises not to reorder: an extension of ABI C_STRUCT asks for that version and gets this
 * array of function pointers. The numbers below are places in it; `test/engine/native/api.test.ts` compares each with the
 * symbol of the same name in the libduckdb.so that is installed.
 */
#ifndef SLUICE_DUCKDB_API_H
#define SLUICE_DUCKDB_API_H

#include <stdbool.h>
#include <stdint.h>

#define DUCKDB_API_VERSION "v1.2.0"

typedef uint64_t idx_t;
/* Handles are opaque; one name each so that a signature says what it takes. */
typedef void *duckdb_connection, *duckdb_value, *duckdb_logical_type, *duckdb_vector, *duckdb_data_chunk;
typedef void *duckdb_table_function, *duckdb_bind_info, *duckdb_init_info, *duckdb_function_info, *duckdb_database;
typedef void (*duckdb_delete)(void *data);
typedef void (*duckdb_on_bind)(duckdb_bind_info info);
typedef void (*duckdb_on_init)(duckdb_init_info info);
typedef void (*duckdb_on_call)(duckdb_function_info info, duckdb_data_chunk output);
typedef void *duckdb_aggregate_function, *duckdb_aggregate_state;
typedef idx_t (*duckdb_on_size)(duckdb_function_info info);
typedef void (*duckdb_on_state)(duckdb_function_info info, duckdb_aggregate_state state);
typedef void (*duckdb_on_update)(duckdb_function_info info, duckdb_data_chunk input, duckdb_aggregate_state *states);
typedef void (*duckdb_on_combine)(duckdb_function_info info, duckdb_aggregate_state *from, duckdb_aggregate_state *into,
                                  idx_t count);
typedef void (*duckdb_on_finalize)(duckdb_function_info info, duckdb_aggregate_state *states, duckdb_vector result,
                                   idx_t count, idx_t offset);

struct duckdb_extension_access {
  void (*set_error)(void *info, const char *error);
  duckdb_database *(*get_database)(void *info);
  const void *(*get_api)(void *info, const char *version);
};

/* X(place, result, name, parameters) */
#define DUCKDB_API(X)                                                                                     \
  X(3, int, duckdb_connect, (duckdb_database, duckdb_connection *))                                       \
  X(6, void, duckdb_disconnect, (duckdb_connection *))                                                    \
  X(25, void, duckdb_free, (void *))                                                                      \
  X(92, void, duckdb_destroy_value, (duckdb_value *))                                                     \
  X(136, duckdb_logical_type, duckdb_get_value_type, (duckdb_value))                                      \
  X(142, char *, duckdb_get_varchar, (duckdb_value))                                                      \
  X(149, bool, duckdb_is_null_value, (duckdb_value))                                                      \
  X(151, idx_t, duckdb_get_list_size, (duckdb_value))                                                     \
  X(152, duckdb_value, duckdb_get_list_child, (duckdb_value, idx_t))                                      \
  X(156, duckdb_logical_type, duckdb_create_logical_type, (int))                                          \
  X(159, duckdb_logical_type, duckdb_create_list_type, (duckdb_logical_type))                             \
  X(163, duckdb_logical_type, duckdb_create_struct_type, (duckdb_logical_type *, const char **, idx_t))   \
  X(166, int, duckdb_get_type_id, (duckdb_logical_type))                                                  \
  X(167, uint8_t, duckdb_decimal_width, (duckdb_logical_type))                                            \
  X(168, uint8_t, duckdb_decimal_scale, (duckdb_logical_type))                                            \
  X(169, int, duckdb_decimal_internal_type, (duckdb_logical_type))                                        \
  X(170, int, duckdb_enum_internal_type, (duckdb_logical_type))                                           \
  X(171, uint32_t, duckdb_enum_dictionary_size, (duckdb_logical_type))                                    \
  X(172, char *, duckdb_enum_dictionary_value, (duckdb_logical_type, idx_t))                              \
  X(173, duckdb_logical_type, duckdb_list_type_child_type, (duckdb_logical_type))                         \
  X(174, duckdb_logical_type, duckdb_array_type_child_type, (duckdb_logical_type))                        \
  X(175, idx_t, duckdb_array_type_array_size, (duckdb_logical_type))                                      \
  X(176, duckdb_logical_type, duckdb_map_type_key_type, (duckdb_logical_type))                            \
  X(177, duckdb_logical_type, duckdb_map_type_value_type, (duckdb_logical_type))                          \
  X(178, idx_t, duckdb_struct_type_child_count, (duckdb_logical_type))                                    \
  X(179, char *, duckdb_struct_type_child_name, (duckdb_logical_type, idx_t))                             \
  X(180, duckdb_logical_type, duckdb_struct_type_child_type, (duckdb_logical_type, idx_t))                \
  X(184, void, duckdb_destroy_logical_type, (duckdb_logical_type *))                                      \
  X(190, duckdb_vector, duckdb_data_chunk_get_vector, (duckdb_data_chunk, idx_t))                         \
  X(191, idx_t, duckdb_data_chunk_get_size, (duckdb_data_chunk))                                          \
  X(192, void, duckdb_data_chunk_set_size, (duckdb_data_chunk, idx_t))                                    \
  X(193, duckdb_logical_type, duckdb_vector_get_column_type, (duckdb_vector))                             \
  X(194, void *, duckdb_vector_get_data, (duckdb_vector))                                                 \
  X(195, uint64_t *, duckdb_vector_get_validity, (duckdb_vector))                                         \
  X(196, void, duckdb_vector_ensure_validity_writable, (duckdb_vector))                                   \
  X(198, void, duckdb_vector_assign_string_element_len, (duckdb_vector, idx_t, const char *, idx_t))      \
  X(199, duckdb_vector, duckdb_list_vector_get_child, (duckdb_vector))                                    \
  X(201, int, duckdb_list_vector_set_size, (duckdb_vector, idx_t))                                        \
  X(202, int, duckdb_list_vector_reserve, (duckdb_vector, idx_t))                                         \
  X(203, duckdb_vector, duckdb_struct_vector_get_child, (duckdb_vector, idx_t))                           \
  X(204, duckdb_vector, duckdb_array_vector_get_child, (duckdb_vector))                                   \
  X(226, duckdb_aggregate_function, duckdb_create_aggregate_function, (void))                             \
  X(227, void, duckdb_destroy_aggregate_function, (duckdb_aggregate_function *))                          \
  X(228, void, duckdb_aggregate_function_set_name, (duckdb_aggregate_function, const char *))             \
  X(229, void, duckdb_aggregate_function_add_parameter, (duckdb_aggregate_function, duckdb_logical_type)) \
  X(230, void, duckdb_aggregate_function_set_return_type, (duckdb_aggregate_function, duckdb_logical_type))\
  X(231, void, duckdb_aggregate_function_set_functions,                                                   \
    (duckdb_aggregate_function, duckdb_on_size, duckdb_on_state, duckdb_on_update, duckdb_on_combine,     \
     duckdb_on_finalize))                                                                                 \
  X(233, int, duckdb_register_aggregate_function, (duckdb_connection, duckdb_aggregate_function))         \
  X(234, void, duckdb_aggregate_function_set_special_handling, (duckdb_aggregate_function))               \
  X(235, void, duckdb_aggregate_function_set_extra_info, (duckdb_aggregate_function, void *, duckdb_delete))\
  X(236, void *, duckdb_aggregate_function_get_extra_info, (duckdb_function_info))                        \
  X(237, void, duckdb_aggregate_function_set_error, (duckdb_function_info, const char *))                 \
  X(242, duckdb_table_function, duckdb_create_table_function, (void))                                     \
  X(243, void, duckdb_destroy_table_function, (duckdb_table_function *))                                  \
  X(244, void, duckdb_table_function_set_name, (duckdb_table_function, const char *))                     \
  X(245, void, duckdb_table_function_add_parameter, (duckdb_table_function, duckdb_logical_type))         \
  X(247, void, duckdb_table_function_set_extra_info, (duckdb_table_function, void *, duckdb_delete))      \
  X(248, void, duckdb_table_function_set_bind, (duckdb_table_function, duckdb_on_bind))                   \
  X(249, void, duckdb_table_function_set_init, (duckdb_table_function, duckdb_on_init))                   \
  X(250, void, duckdb_table_function_set_local_init, (duckdb_table_function, duckdb_on_init))             \
  X(251, void, duckdb_table_function_set_function, (duckdb_table_function, duckdb_on_call))               \
  X(252, void, duckdb_table_function_supports_projection_pushdown, (duckdb_table_function, bool))         \
  X(253, int, duckdb_register_table_function, (duckdb_connection, duckdb_table_function))                 \
  X(254, void *, duckdb_bind_get_extra_info, (duckdb_bind_info))                                          \
  X(255, void, duckdb_bind_add_result_column, (duckdb_bind_info, const char *, duckdb_logical_type))      \
  X(257, duckdb_value, duckdb_bind_get_parameter, (duckdb_bind_info, idx_t))                              \
  X(259, void, duckdb_bind_set_bind_data, (duckdb_bind_info, void *, duckdb_delete))                      \
  X(260, void, duckdb_bind_set_cardinality, (duckdb_bind_info, idx_t, bool))                              \
  X(261, void, duckdb_bind_set_error, (duckdb_bind_info, const char *))                                   \
  X(262, void *, duckdb_init_get_extra_info, (duckdb_init_info))                                          \
  X(263, void *, duckdb_init_get_bind_data, (duckdb_init_info))                                           \
  X(264, void, duckdb_init_set_init_data, (duckdb_init_info, void *, duckdb_delete))                      \
  X(265, idx_t, duckdb_init_get_column_count, (duckdb_init_info))                                         \
  X(266, idx_t, duckdb_init_get_column_index, (duckdb_init_info, idx_t))                                  \
  X(267, void, duckdb_init_set_max_threads, (duckdb_init_info, idx_t))                                    \
  X(268, void, duckdb_init_set_error, (duckdb_init_info, const char *))                                   \
  X(270, void *, duckdb_function_get_bind_data, (duckdb_function_info))                                   \
  X(271, void *, duckdb_function_get_init_data, (duckdb_function_info))                                   \
  X(272, void *, duckdb_function_get_local_init_data, (duckdb_function_info))                             \
  X(273, void, duckdb_function_set_error, (duckdb_function_info, const char *))

/* Defined once in extension.c, filled when the extension is loaded. */
#define DUCKDB_DECLARE(place, result, name, parameters) extern result(*name) parameters;
DUCKDB_API(DUCKDB_DECLARE)
#undef DUCKDB_DECLARE

#endif
