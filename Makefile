# tapir. `make help` lists the targets.
#
# Sources are found by wildcard, folder by folder; objects go to build/<variant>/. The variants:
# debug (ASan and UBSan, for the tests), release, fast (release with link-time optimisation: what is
# installed and measured), cov, fuzz (clang's libFuzzer).

VARIANT ?= debug
B       := build/$(VARIANT)
V       ?= 0
Q       := $(if $(filter 0,$(V)),@,)
CC      ?= cc

PKGS    := libpcap yaml-0.1 jansson
STD     := -std=c11 -D_DEFAULT_SOURCE
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
           -Wcast-qual -Wundef -Wwrite-strings -Wvla $(if $(CI),-Werror)
OPT_debug   := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
OPT_release := -O3 -g
OPT_fast    := -O3 -g -flto=auto -ffat-lto-objects
OPT_cov     := -O0 -g --coverage
OPT_fuzz    := -O1 -g -fsanitize=address,undefined,fuzzer-no-link
OPT         ?= $(OPT_$(VARIANT))
CFLAGS  ?=
ALLC    := $(STD) $(WARN) $(OPT) -Istack -MMD -MP $(shell pkg-config --cflags $(PKGS) 2>/dev/null) $(CFLAGS)
LIBS    := -Wl,-Bstatic -lbearssl -Wl,-Bdynamic $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm
PREFIX  ?= /usr/local

CORE    := $(wildcard stack/base/*.c stack/wire/*.c stack/net/*.c stack/tcp/*.c stack/*.c)
LINK    := $(wildcard stack/link/*.c)
TLS     := $(wildcard tls/*.c)
TRACES  := $(wildcard traces/*.c)
SIM     := $(filter-out sim/main.c,$(wildcard sim/*.c))
TESTLIB := $(wildcard tests/lib/*.c)
UNIT    := $(wildcard tests/unit/*.c)
SOURCES := $(CORE) $(LINK) $(TLS) $(TRACES) $(SIM) sim/main.c tests/main.c $(TESTLIB) $(UNIT)
obj      = $(patsubst %.c,$(B)/%.o,$(1))
LIBOBJ  := $(call obj,$(CORE) $(LINK) $(TLS) $(TRACES) $(SIM)) $(B)/gen/demo_pki.o
quiet    = $(if $(filter 0,$(V)),@echo "  $(1)",)

.PHONY: all help setup setup-tests demo check unit check-scripts check-scenarios check-cli check-live \
        embed purity deps determinism lint format bench rfc diagram mutants fuzz install clean
.SECONDARY:

## all          the program, build/<variant>/tapir (VARIANT=debug, release, cov)
all: $(B)/tapir

help:
	@sed -n 's/^## //p' Makefile

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC   $<)
	$(Q)$(CC) $(ALLC) -c $< -o $@

# The demo's certificates as strings: demo_ca_pem[] and so on (sim/demo_pki.h).
PKI := $(addprefix sim/scenarios/pki/,ca.pem server.pem server.key client.pem client.key)
$(B)/gen/demo_pki.c: $(PKI) Makefile
	@mkdir -p $(@D)
	@(echo '#include "../../../sim/demo_pki.h"'; for f in $(PKI); do \
	  echo "const char demo_$$(basename $$f | tr . _)[] ="; sed 's/.*/"&\\n"/' $$f; echo ';'; done) > $@
$(B)/gen/demo_pki.o: $(B)/gen/demo_pki.c
	$(Q)$(CC) $(ALLC) -c $< -o $@

$(B)/libtapir-all.a: $(LIBOBJ)
	$(Q)rm -f $@; ar rcs $@ $^

$(B)/tapir: $(call obj,sim/main.c) $(B)/libtapir-all.a
	$(call quiet,LD   $@)
	$(Q)$(CC) $(OPT) $^ $(LIBS) $(LDFLAGS) -o $@

## libtapir.a   for embedders: stack, links, TLS; only the public headers' names are global
PUBLIC := stack_* sock_* tls_* link_* pkt_* chunk_* tcp_config_* tcp_setting* tcp_state_name err_text
# Three objects, so that libpcap and BearSSL are asked for only by who uses a raw socket or TLS. What
# the raw socket shares with the stack, but no public header has, is in both.
PARTS   := $(B)/tapir-stack.o $(B)/tapir-raw.o $(B)/tapir-tls.o
RAW     := stack/link/packet.c
libtapir.a: $(B)/libtapir.a
$(B)/tapir-stack.o: $(call obj,$(CORE) $(filter-out $(RAW),$(LINK)))
$(B)/tapir-raw.o: $(call obj,$(RAW) stack/link/frame.c stack/wire/csum.c stack/wire/eth.c)
$(B)/tapir-tls.o: $(call obj,$(TLS))
$(PARTS):
	$(Q)ld -r $^ -o $@
	$(Q)objcopy --wildcard $(PUBLIC:%=--keep-global-symbol='%') $@
$(B)/libtapir.a: $(PARTS)
	$(Q)rm -f $@; ar rcs $@ $^

## demo         installs what is missing, builds, runs the lossy TLS scenario, says what to open
demo: setup
	$(Q)$(MAKE) --no-print-directory VARIANT=release all
	build/release/tapir run sim/scenarios/lossy-tls.yaml

## setup        the packages that building needs (Debian: installed by name; elsewhere: a list)
setup:
	@sh tests/setup.sh build
setup-tests:
	@sh tests/setup.sh build tests

## check        every test; the last line counts. CI=1: warnings are errors, nothing may be skipped
check: setup-tests
	@bash tests/check.sh

# ---- the parts of check ----

# Each tests/unit/test_<x>.c defines `suite_<x>`; the list of them is made here.
$(B)/suites.h: $(UNIT) Makefile
	@mkdir -p $(@D)
	@(for t in $(patsubst tests/unit/test_%.c,%,$(UNIT)); do echo "SUITE($$t)"; done) > $@

$(call obj,tests/main.c): $(B)/suites.h
$(call obj,tests/main.c): ALLC += -I$(B)

# tests/lib/nomem.c makes allocations fail.
WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

$(B)/unit-tests: $(call obj,tests/main.c $(TESTLIB) $(UNIT)) $(B)/libtapir-all.a
	$(call quiet,LD   $@)
	$(Q)$(CC) $(OPT) $^ -lcunit $(LIBS) $(LDFLAGS) $(WRAP) -o $@

## unit         CUnit suites; T="suite ..." runs only those
unit: $(B)/unit-tests
	$(B)/unit-tests $(T)

# What the core may ask for: memory, strings, assert, and the compiler's own: 128-bit division, and
# whether the processor has vectors (which sums checksums faster, to the same result).
PURE := __u?divti3|__cpu_model|__assert_fail|__stack_chk_fail|malloc|calloc|realloc|free|mem(cpy|move|set|cmp|chr)|str(len|cmp|ncmp|chr)
## purity       the stack's core reads no clock, no file, no random source: its undefined symbols
purity:
	$(Q)$(MAKE) --no-print-directory VARIANT=release $(patsubst %.c,build/release/%.o,$(CORE)) > /dev/null
	$(Q)ld -r $(patsubst %.c,build/release/%.o,$(CORE)) -o build/release/core.o
	@bad=$$(nm -u build/release/core.o | awk '{print $$2}' | grep -vE '^($(PURE)|_GLOBAL_OFFSET_TABLE_)$$'); \
	if [ -n "$$bad" ]; then echo "purity: the core uses" $$bad; exit 1; fi; echo "purity: ok"

## embed        a program by the public headers and libtapir.a alone
embed:
	$(Q)$(MAKE) --no-print-directory VARIANT=release libtapir.a > /dev/null
	@sh tests/embed.sh build/release
## deps         folders include only what lies below them
deps:
	@sh tests/deps.sh

## check-scripts    our packetdrill scripts
## check-scenarios  scenarios with their expectations and stored tables; UPDATE=1 writes the tables anew
check-scripts: $(B)/tapir
	$(B)/tapir script tests/scripts
check-scenarios:
	$(Q)$(MAKE) --no-print-directory VARIANT=release build/release/tapir build/release/scenario-tables
	@bash tests/scenarios/run.sh build/release $(if $(UPDATE),--update)
# A scenario's grid played by the kernel's TCP (root; see tests/scenarios/README.md).
$(B)/kernel-pairs: $(call obj,tests/bench/kernel_pairs.c) $(B)/libtapir-all.a
	$(call quiet,LD   $@)
	$(Q)$(CC) $(OPT) $^ $(LIBS) $(LDFLAGS) -o $@

$(B)/scenario-tables: $(call obj,tests/scenarios/tables.c) $(B)/libtapir-all.a
	$(call quiet,LD   $@)
	$(Q)$(CC) $(OPT) $^ $(LIBS) $(LDFLAGS) -o $@
## check-cli    exit codes, messages on wrong input, JSON keys, the manual page
check-cli: $(B)/tapir
	@python3 tests/cli.py $(B)/tapir
## check-live   TAP, raw socket, the kernel's stack, in network namespaces (root)
check-live:
	$(Q)$(MAKE) --no-print-directory VARIANT=release all
	@python3 tests/live/run.py --tapir build/release/tapir
	@sh tests/live/kernel_truth.sh build/release/tapir
## determinism  scenarios twice, with gcc and clang, -O0 and -O2: every file equal
determinism:
	@bash tests/determinism.sh
## lint         gcc's and clang's warnings as errors, cppcheck, clang-tidy
lint:
	@bash tests/lint.sh $(SOURCES)
## format       clang-format over everything
format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

## bench        the fast variant beside ns-3 and lwIP: medians and ratios
bench:
	$(Q)$(MAKE) --no-print-directory VARIANT=fast all
	@bash tests/bench/run.sh
## rfc          requirement -> code -> test, from the citations
rfc:
	@python3 tests/rfc.py
## diagram      the state machine's edges, from the code
diagram:
	@sed -n '/^static const uint16_t edges/,/^};/p' stack/tcp/tcp_state.c
## mutants      seeded bugs, and how many the tests catch
mutants:
	@python3 tests/mutants/run.py

## fuzz         each parser and the stack under libFuzzer (clang): FUZZ_SECONDS=60 each, T="target ..."
FUZZ_SECONDS ?= 60
fuzz:
	$(Q)$(MAKE) --no-print-directory VARIANT=fuzz CC=clang build/fuzz/fuzz
	@FUZZ_SECONDS=$(FUZZ_SECONDS) bash tests/fuzz/run.sh $(T)
$(B)/testlib.a: $(call obj,$(TESTLIB))
	$(Q)rm -f $@; ar rcs $@ $^
$(B)/fuzz: $(call obj,tests/fuzz/fuzz.c) $(B)/testlib.a $(B)/libtapir-all.a
	$(call quiet,LD   $@)
	$(Q)$(CC) $(OPT) -fsanitize=fuzzer $^ $(LIBS) -lm $(LDFLAGS) -o $@

## install      program and manual page, to PREFIX (/usr/local)
install:
	$(Q)$(MAKE) --no-print-directory VARIANT=fast all
	install -Dm755 build/fast/tapir $(DESTDIR)$(PREFIX)/bin/tapir
	install -Dm644 sim/tapir.1 $(DESTDIR)$(PREFIX)/share/man/man1/tapir.1

clean:
	rm -rf build traces/out

-include $(shell find $(B) -name '*.d' 2>/dev/null)
