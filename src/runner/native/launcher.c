/*
 * Starts one confined process: what must be in force before the first instruction of the program, and what only the
 * process itself can do. The last step is execve, so that the process number is the one that the runner started.
 *
 *   sluice-launch --parent PID [--limit NAME=BYTES]... [--group FILE]... [--landlock | --network]
 *                 [--read PATH]... [--execute PATH]... [--write PATH]... [--seccomp FD] [--setenv NAME=VALUE]...
 *                 -- PROGRAM ARGUMENT...
 *
 * Any step that fails ends it with status 125 and one line on stderr: it never goes on with less than was asked for.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* From the kernel's include/uapi/linux/{landlock,seccomp,filter}.h, so that old headers can build what a newer kernel
 * offers. */
enum { LANDLOCK_CREATE = 444, LANDLOCK_ADD_RULE = 445, LANDLOCK_RESTRICT = 446, LANDLOCK_VERSION = 1, PATH_BENEATH = 1 };
struct ruleset { uint64_t handled_fs, handled_net, scoped; };
struct __attribute__((packed)) path_rule { uint64_t allowed; int32_t parent; };
struct instruction { uint16_t code; uint8_t jt, jf; uint32_t k; };
struct program { uint16_t length; const struct instruction *instructions; };
enum { SET_MODE_FILTER = 1, MOST_INSTRUCTIONS = 4096 };

#define EXECUTE (1ULL << 0)
#define WRITE_FILE (1ULL << 1)
#define READ_FILE (1ULL << 2)
#define READ_DIR (1ULL << 3)
#define REMOVE_DIR (1ULL << 4)
#define REMOVE_FILE (1ULL << 5)
#define MAKE_DIR (1ULL << 7)
#define MAKE_REG (1ULL << 8)
#define REFER (1ULL << 13)
#define TRUNCATE (1ULL << 14)
#define ON_FILES (EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE)
#define READING (READ_FILE | READ_DIR)
#define WRITING (READING | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE)

enum { MOST_VARIABLES = 16 };

struct options {
  int landlock, ruleset, seccomp, network;
  uint64_t handled;
  char *environment[MOST_VARIABLES + 1];
  int variables;
};

static void fail(const char *format, ...) {
  int cause = errno;
  va_list arguments;
  va_start(arguments, format);
  fprintf(stderr, "sluice-launch: ");
  vfprintf(stderr, format, arguments);
  fprintf(stderr, cause ? ": %s\n" : "\n", strerror(cause));
  va_end(arguments);
  exit(125);
}

static long number(const char *text) {
  char *end;
  errno = 0;
  long value = strtol(text, &end, 10);
  if (errno || end == text || *end || value < 0) fail("not a number: %s", text);
  return value;
}

/* The runner may have died before the signal was asked for: then nobody would ever end this process. */
static void die_with(long parent) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) fail("parent death signal");
  errno = 0;
  if (getppid() != parent) fail("the runner is gone");
}

static void limit(char *setting) {
  static const struct { const char *name; int resource; } known[] = {
      {"data", RLIMIT_DATA},   {"core", RLIMIT_CORE},   {"files", RLIMIT_NOFILE},
      {"fsize", RLIMIT_FSIZE}, {"stack", RLIMIT_STACK}, {"cpu", RLIMIT_CPU},
  };
  char *value = strchr(setting, '=');
  if (!value) fail("not a limit: %s", setting);
  *value++ = 0;
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    if (strcmp(known[i].name, setting)) continue;
    struct rlimit both = {(rlim_t)number(value), (rlim_t)number(value)};
    if (setrlimit(known[i].resource, &both)) fail("limit %s", setting);
    return;
  }
  errno = 0;
  fail("unknown limit %s", setting);
}

/* "0" is whoever writes it: the program and all that it starts are counted from their first page on. */
static void join_group(const char *path) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, "0", 1) != 1) fail("control group %s", path);
  close(file);
}

static void open_ruleset(struct options *options) {
  long abi = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION);
  if (abi < 1) fail("landlock");
  options->handled = (1ULL << 13) - 1;
  if (abi >= 2) options->handled |= REFER;
  if (abi >= 3) options->handled |= TRUNCATE;
  if (abi >= 5) options->handled |= 1ULL << 15; /* ioctl on devices */
  struct ruleset rules = {options->handled, 0, 0};
  size_t size = sizeof rules.handled_fs;
  if (abi >= 4) {
    if (!options->network) rules.handled_net = 3; /* bind and connect of TCP */
    size = 2 * sizeof(uint64_t);
  }
  if (abi >= 6) {
    rules.scoped = 3; /* abstract Unix sockets and signals of others */
    size = sizeof rules;
  }
  options->ruleset = (int)syscall(LANDLOCK_CREATE, &rules, size, 0);
  if (options->ruleset < 0) fail("landlock rules");
}

static void allow(struct options *options, const char *path, uint64_t rights) {
  if (options->ruleset < 0) {
    errno = 0;
    fail("--landlock comes before paths");
  }
  struct path_rule rule = {rights & options->handled, open(path, O_PATH | O_CLOEXEC)};
  struct stat status;
  if (rule.parent < 0 || fstat(rule.parent, &status)) fail("%s", path);
  if (!S_ISDIR(status.st_mode)) rule.allowed &= ON_FILES;
  if (syscall(LANDLOCK_ADD_RULE, options->ruleset, PATH_BENEATH, &rule, 0)) fail("landlock rule for %s", path);
  close(rule.parent);
}

static void install_filter(int file) {
  static struct instruction instructions[MOST_INSTRUCTIONS];
  size_t filled = 0;
  ssize_t got;
  while ((got = read(file, (char *)instructions + filled, sizeof instructions - filled)) > 0) filled += (size_t)got;
  if (got < 0 || filled == 0 || filled % sizeof *instructions) fail("no filter to install");
  close(file);
  struct program program = {(uint16_t)(filled / sizeof *instructions), instructions};
  if (syscall(SYS_seccomp, SET_MODE_FILTER, 0, &program)) fail("seccomp");
}

static void enter(struct options *options) {
  if (options->landlock || options->seccomp >= 0) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) fail("no new privileges");
  }
  if (options->landlock) {
    if (setsid() < 0 && errno != EPERM) fail("session");
    if (syscall(LANDLOCK_RESTRICT, options->ruleset, 0)) fail("landlock");
    close(options->ruleset);
  }
  if (options->seccomp >= 0) install_filter(options->seccomp);
}

static void take(struct options *options, const char *name, char *value) {
  if (!strcmp(name, "--parent")) die_with(number(value));
  else if (!strcmp(name, "--limit")) limit(value);
  else if (!strcmp(name, "--group")) join_group(value);
  else if (!strcmp(name, "--read")) allow(options, value, READING);
  else if (!strcmp(name, "--execute")) allow(options, value, READING | EXECUTE);
  else if (!strcmp(name, "--write")) allow(options, value, WRITING);
  else if (!strcmp(name, "--device")) allow(options, value, READ_FILE | WRITE_FILE);
  else if (!strcmp(name, "--seccomp")) options->seccomp = (int)number(value);
  else if (!strcmp(name, "--setenv") && options->variables < MOST_VARIABLES)
    options->environment[options->variables++] = value;
  else {
    errno = 0;
    fail("unknown option %s", name);
  }
}

int main(int count, char **words) {
  struct options options = {.ruleset = -1, .seccomp = -1};
  int at = 1;
  for (; at < count && strcmp(words[at], "--"); at++) {
    if (!strcmp(words[at], "--network")) options.network = 1;
    else if (!strcmp(words[at], "--landlock")) {
      options.landlock = 1;
      open_ruleset(&options);
    } else if (at + 1 < count) {
      take(&options, words[at], words[at + 1]);
      at++;
    }
  }
  errno = 0;
  if (at + 1 >= count) fail("no program");
  enter(&options);
  execve(words[at + 1], words + at + 1, options.environment);
  fail("%s", words[at + 1]);
}
