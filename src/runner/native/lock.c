/*
 * Node addon with one function: `lock(filter)` puts the whole process, all its threads, under a seccomp filter that it
 * can never leave. An addon and no general way to call C, so that a process that was taken over finds none.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Node-API, version 1: the few declarations that are needed of Node's js_native_api.h and node_api.h. Its ABI is
 * stable across Node versions (nodejs.org/api/n-api.html). */
typedef struct napi_env__ *napi_env;
typedef struct napi_value__ *napi_value;
typedef struct napi_callback_info__ *napi_callback_info;
typedef int napi_status; /* an enum in C; 0 is napi_ok */
typedef napi_value (*napi_callback)(napi_env, napi_callback_info);
extern napi_status napi_get_cb_info(napi_env, napi_callback_info, size_t *, napi_value *, napi_value *, void **);
extern napi_status napi_get_buffer_info(napi_env, napi_value, void **, size_t *);
extern napi_status napi_create_function(napi_env, const char *, size_t, napi_callback, void *, napi_value *);
extern napi_status napi_set_named_property(napi_env, napi_value, const char *, napi_value);
extern napi_status napi_throw_error(napi_env, const char *, const char *);

/* From the kernel's include/uapi/linux/{seccomp,filter}.h. */
enum { SET_MODE_FILTER = 1, FLAG_TSYNC = 1, INSTRUCTION_BYTES = 8, MOST_INSTRUCTIONS = 4096 };
struct program { uint16_t length; void *instructions; };

static napi_value refuse(napi_env env, const char *message) {
  napi_throw_error(env, NULL, message);
  return NULL;
}

static napi_value lock(napi_env env, napi_callback_info info) {
  napi_value filter;
  size_t count = 1, length = 0;
  void *bytes = NULL;
  if (napi_get_cb_info(env, info, &count, &filter, NULL, NULL) || count != 1 ||
      napi_get_buffer_info(env, filter, &bytes, &length))
    return refuse(env, "lock takes the filter as a buffer");
  if (length == 0 || length % INSTRUCTION_BYTES || length / INSTRUCTION_BYTES > MOST_INSTRUCTIONS)
    return refuse(env, "the filter is empty or not whole");
  struct program program = {(uint16_t)(length / INSTRUCTION_BYTES), bytes};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) return refuse(env, strerror(errno));
  /* A positive answer is the number of a thread that could not follow: nothing was installed then. */
  long answer = syscall(SYS_seccomp, SET_MODE_FILTER, FLAG_TSYNC, &program);
  if (answer) return refuse(env, answer < 0 ? strerror(errno) : "a thread cannot follow");
  return NULL;
}

__attribute__((visibility("default"))) napi_value napi_register_module_v1(napi_env env, napi_value exports) {
  napi_value function;
  if (napi_create_function(env, "lock", sizeof "lock" - 1, lock, NULL, &function) ||
      napi_set_named_property(env, exports, "lock", function))
    return refuse(env, "the lock could not be set up");
  return exports;
}
