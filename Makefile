# Needs: make, bash, npm, and for what is missing apt-get with root or passwordless sudo. Node is brought along.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

# The one place that pins Node. A `node` of the same major version and at least NODE_LEAST is taken from PATH.
NODE_VERSION := $(shell cat .node-version)
NODE_LEAST := 24.12
NODE_DIR := .tools/node-$(NODE_VERSION)
NODE := $(NODE_DIR)/bin/node
NODE_MODULES := node_modules/.setup
EXTENSION := build/native/sluice_arrow.duckdb_extension
NATIVE_SOURCES := $(wildcard src/engine/native/*.c src/engine/native/*.h src/engine/native/build.ts)
# what starts confined processes and what they lock themselves with
LAUNCHER := build/native/sluice-launch
LOCK := build/native/sluice-lock.node
C_FLAGS := -std=c11 -O2 -Wall -Wextra -Werror -fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wl,-z,relro,-z,now
LIBRARIES := build/libraries/LICENSES.txt

# npm runs under whatever Node it was installed with: Debian's does not run under another.
NPM := PATH="$(PATH)" npm
export PATH := $(CURDIR)/$(NODE_DIR)/bin:$(CURDIR)/node_modules/.bin:$(PATH)
NODE_FLAGS := --no-node-snapshot

# command:package, for Debian and its descendants
RUNTIME_PACKAGES := cc:build-essential bwrap:bubblewrap
TEST_PACKAGES := postgres:postgresql
# No test opens a browser yet. A change that adds one sets this to chromium:chromium.
BROWSER_PACKAGES ?=

FORMATTED := src test benchmarks sandbox-images .oxlintrc.json .oxfmtrc.json knip.json tsconfig.json

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

## Set-up

.PHONY: setup
setup: $(NODE) system-packages $(NODE_MODULES) $(EXTENSION) $(LAUNCHER) $(LOCK) $(LIBRARIES) ## bring Node, packages, what is built of C, the libraries of the images: all that running needs

.PHONY: setup-test
setup-test: setup test-packages ## the same and what only tests need (PostgreSQL)

$(NODE):
	@mkdir -p $(NODE_DIR)/bin
	accepted='const [have, least] = [process.versions.node, "$(NODE_LEAST)"].map((v) => v.split(".").map(Number));
	process.exit(have[0] === least[0] && have[1] >= least[1] ? 0 : 1)'
	if command -v node >/dev/null && node -e "$$accepted"; then
	  ln -sfn "$$(node -p process.execPath)" $@
	else
	  command -v npm >/dev/null || { echo "npm is missing: apt-get install npm" >&2; exit 1; }
	  case "$$(uname -s)-$$(uname -m)" in
	    Linux-x86_64) platform=linux-x64 ;;
	    Linux-aarch64) platform=linux-arm64 ;;
	    *) echo "no pinned Node for $$(uname -s) $$(uname -m): install Node $(NODE_LEAST) or later" >&2; exit 1 ;;
	  esac
	  echo "bringing Node $(NODE_VERSION)"
	  # the platform's package itself: it holds bin/node and runs no install script
	  $(NPM) install --prefix $(NODE_DIR) --no-save --no-package-lock --ignore-scripts --no-audit --no-fund \
	    --loglevel=error "node-$$platform@$(NODE_VERSION)"
	  ln -sfn "../node_modules/node-$$platform/bin/node" $@
	fi
	echo "Node $$($@ --version)"

# A stamp with digests, not dates: a checkout that touches files installs nothing again.
$(NODE_MODULES): package-lock.json .npmrc | $(NODE)
	@if sha256sum --check --status $@ 2>/dev/null; then touch $@; exit; fi
	command -v npm >/dev/null || { echo "npm is missing: apt-get install npm" >&2; exit 1; }
	# Not "npm ci": npm 11 refuses the lock file where the registry lacks the builds of other platforms, although
	# it needs none of them. Versions and digests come from the lock file all the same; check-lock keeps it in step.
	$(NPM) install --no-save --loglevel=error
	sha256sum $^ >$@

$(EXTENSION): $(NATIVE_SOURCES) | $(NODE_MODULES) system-packages
	@node src/engine/native/build.ts
	touch $@

$(LAUNCHER): src/runner/native/launcher.c | system-packages
	@mkdir -p $(@D)
	cc $(C_FLAGS) -fPIE -pie -o $@ $<

# Node gives an addon its symbols when it loads it
$(LOCK): src/runner/native/lock.c | system-packages
	@mkdir -p $(@D)
	cc $(C_FLAGS) -shared -fPIC -fvisibility=hidden -o $@ $<

# The libraries of the JavaScript images. Their bytes are the same on every machine: images.lock.json pins them.
$(LIBRARIES): $(wildcard sandbox-images/libraries/*.ts) $(NODE_MODULES)
	@node sandbox-images/libraries/build.ts
	touch $@

# $(call install-missing,command:package …): installs where that is allowed, else names the command and fails
define install-missing
missing=()
for pair in $(1); do
  PATH="$$PATH:/usr/sbin:/sbin:$$(printf '%s:' /usr/lib/postgresql/*/bin)" command -v "$${pair%%:*}" >/dev/null ||
    missing+=("$${pair##*:}")
done
[ "$${#missing[@]}" -gt 0 ] || exit 0
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q)
if [ "$$(id -u)" -ne 0 ]; then apt=(sudo -n "$${apt[@]}"); fi
if command -v apt-get >/dev/null && { [ "$$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; }; then
  echo "installing $${missing[*]}"
  "$${apt[@]}" update >/dev/null
  "$${apt[@]}" install --yes --no-install-recommends "$${missing[@]}" >/dev/null
else
  echo "missing on this system; run as root: apt-get install $${missing[*]}" >&2
  exit 1
fi
endef

.PHONY: system-packages test-packages
system-packages:
	@$(call install-missing,$(RUNTIME_PACKAGES))

test-packages:
	@$(call install-missing,$(TEST_PACKAGES) $(BROWSER_PACKAGES))

## Running

.PHONY: demo
demo: setup ## show the whole path on real data, from submit to reviewed release
	@node $(NODE_FLAGS) src/demo/run.ts

.PHONY: serve
serve: setup ## start a development server (ARGS="--help" shows what it takes)
	@exec node $(NODE_FLAGS) src/bin/sluice.ts serve --development $(ARGS)

## Checking

.PHONY: check
check: check-types check-lint check-format check-unused check-lock ## types, lint, format, unused code, lock file

.PHONY: check-types check-lint check-format check-unused check-lock
check-types: $(NODE_MODULES)
	@tsc -p .

check-lint: $(NODE_MODULES)
	@oxlint --max-warnings=0 --format=unix

check-format: $(NODE_MODULES)
	@oxfmt --check $(FORMATTED)

check-unused: $(NODE_MODULES)
	@knip --no-progress

check-lock: $(NODE_MODULES)
	@node test/tooling/lock-file.ts

.PHONY: format
format: $(NODE_MODULES) ## write the house format into every file
	@oxfmt $(FORMATTED)

.PHONY: test
test: setup-test ## all tests (TESTS="test/policy" picks some)
	@node test/tooling/run.ts $(TESTS)

.PHONY: test-fast
test-fast: setup-test ## all tests except *.slow.test.ts
	@node test/tooling/run.ts --exclude='**/*.slow.test.ts' $(TESTS)

.PHONY: bench
bench: setup ## every benchmark in turn (BENCH=end-to-end picks one)
	@for file in $(if $(BENCH),benchmarks/$(BENCH).bench.ts,$(sort $(wildcard benchmarks/*.bench.ts))); do
	  echo "== $$file"
	  node $(NODE_FLAGS) "$$file" $(ARGS)
	done

.PHONY: fuzz-arrow
fuzz-arrow: setup ## feed 100,000 damaged files to the native Arrow reader, under sanitizers
	@node $(NODE_FLAGS) src/engine/native/fuzz.ts

.PHONY: soak
soak: setup-test ## 5,000 honest and hostile jobs side by side (JOBS=500 for fewer); memory and descriptors as it goes
	@SLUICE_SOAK_JOBS=$(or $(JOBS),5000) node node_modules/tap/dist/esm/run.mjs run --timeout=3600 --reporter=tap test/soak/soak.test.ts

.PHONY: faults
faults: setup-test ## kill -9 of every kind of process, 200 times under load, and outages (KILLS=20 for fewer)
	@SLUICE_FAULT_KILLS=$$(( $(or $(KILLS),200) / 2 )) node node_modules/tap/dist/esm/run.mjs run --timeout=7200 --jobs=1 \
	  --reporter=tap test/faults/kills.slow.test.ts test/faults/outages.slow.test.ts

## Cleaning

.PHONY: clean
clean: ## remove what was built; keep Node and packages
	@rm -rf build .tap

.PHONY: clean-all
clean-all: clean ## remove Node and packages too
	@rm -rf .tools node_modules
