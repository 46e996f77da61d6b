# tapir. `make help` lists the targets.
#
# Sources are found by wildcard, folder by folder; objects go to build/<variant>/. The variants:
# debug (ASan and UBSan, for the tests), release, cov, fuzz (clang's libFuzzer).

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
OPT_release := -O2 -g
OPT_cov     := -O0 -g --coverage
OPT_fuzz    := -O1 -g -fsanitize=address,undefined,fuzzer-no-link
OPT         ?= $(OPT_$(VARIANT))
CFLAGS  ?=
ALLC    := $(STD) $(WARN) $(OPT) -Istack -MMD -MP $(shell pkg-config --cflags $(PKGS) 2>/dev/null) $(CFLAGS)
LIBS    := -Wl,-Bstatic -lbearssl -Wl,-Bdynamic $(shell pkg-config --libs $(PKGS) 2>/dev/null)

CORE    := $(wildcard stack/base/*.c stack/wire/*.c stack/net/*.c stack/tcp/*.c stack/*.c)
LINK    := $(wildcard stack/link/*.c)
TLS     := $(wildcard tls/*.c)
TRACES  := $(wildcard traces/*.c)
SIM     := $(filter-out sim/main.c,$(wildcard sim/*.c))
TESTLIB := $(wildcard tests/lib/*.c)
UNIT    := $(wildcard tests/unit/*.c)
obj      = $(patsubst %.c,$(B)/%.o,$(1))
LIBOBJ  := $(call obj,$(CORE) $(LINK) $(TLS) $(TRACES) $(SIM))

.PHONY: all help check unit demo purity deps determinism lint format bench fuzz rfc diagram clean install setup check-live check-scenarios check-scripts
.SECONDARY:

all: $(B)/tapir

help:
	@sed -n 's/^## //p' Makefile

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(if $(filter 0,$(V)),@echo "  CC   $<",)
	$(Q)$(CC) $(ALLC) -c $< -o $@

$(B)/libtapir-all.a: $(LIBOBJ)
	$(Q)rm -f $@; ar rcs $@ $^

$(B)/tapir: $(call obj,sim/main.c) $(B)/libtapir-all.a
	$(if $(filter 0,$(V)),@echo "  LD   $@",)
	$(Q)$(CC) $(OPT) $^ $(LIBS) $(LDFLAGS) -o $@

# ---- tests ----

# Each tests/unit/test_<x>.c defines `suite_<x>`; the list of them is made here.
$(B)/suites.h: $(UNIT) Makefile
	@mkdir -p $(@D)
	@(for t in $(patsubst tests/unit/test_%.c,%,$(UNIT)); do echo "SUITE($$t)"; done) > $@

$(call obj,tests/main.c): $(B)/suites.h
$(call obj,tests/main.c): ALLC += -I$(B)

$(B)/unit-tests: $(call obj,tests/main.c $(TESTLIB) $(UNIT)) $(B)/libtapir-all.a
	$(if $(filter 0,$(V)),@echo "  LD   $@",)
	$(Q)$(CC) $(OPT) $^ -lcunit $(LIBS) -lm $(LDFLAGS) -o $@

unit: $(B)/unit-tests
	$(B)/unit-tests $(T)

clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
