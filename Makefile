# SPDX-License-Identifier: Apache-2.0
# concprof. `make help` lists the targets; V=1 shows the commands.
#
# SAN=1    address and undefined-behaviour sanitizers for everything in user space (its own build folder)
# DEBUG=1  -O0 -g3 (its own build folder)

PREFIX ?= /usr/local
CC     ?= gcc
CLANG  ?= clang

variant := $(if $(SAN),san)$(if $(DEBUG),debug)
B       := build$(if $(variant),/$(variant))
BIN     := $(if $(variant),$(B)/concprof,concprof)

ifeq ($(V),1)
Q :=
msg = @:
else
Q := @
msg = @printf '  %-8s%s\n' "$(1)" "$(2)"
endif

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

LIBS := libbpf libelf libdw libdebuginfod sqlite3 libcurl libcrypto libmicrohttpd zlib libprotobuf-c
# Expanded late: on a fresh machine `make deps` runs before pkg-config exists.
lib_cflags = $(shell pkg-config --cflags $(LIBS))
lib_ldlibs = $(shell pkg-config --libs $(LIBS)) -liberty -lm -lpthread

WARN   := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla
OPT    := $(if $(DEBUG),-O0 -g3,-O2 -g)
comma  := ,
SANF   := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
CFLAGS_ALL = -std=gnu11 $(OPT) $(WARN) $(SANF) -D_GNU_SOURCE -Iinclude -Iuser -I$(B) -include user/lib/banned.h $(lib_cflags) \
	-DCONCPROF_PREFIX='"$(PREFIX)"' $(CFLAGS)
LDFLAGS_ALL = $(SANF) $(LDFLAGS)

# No exclusions: a model's data symbols must survive stripping (-rdynamic), or its locks would lose their names.
EXPORT := -rdynamic

user_c   := $(sort $(wildcard user/*/*.c))
user_o   := $(user_c:%.c=$(B)/%.o)
# Generated from user/export/*.proto.
proto_o  := $(patsubst user/export/%.proto,$(B)/%.pb-c.o,$(sort $(wildcard user/export/*.proto)))
lib_o    := $(filter-out $(B)/user/cmd/main.o,$(user_o)) $(proto_o)
bpf_c    := $(sort $(wildcard bpf/*.bpf.c))
# Definitions of maps come first: bpftool 7.1's linker gives a map a wrong offset when it meets its extern before its definition.
bpf_o    := $(B)/bpf/maps.bpf.o $(filter-out $(B)/bpf/maps.bpf.o,$(bpf_c:%.bpf.c=$(B)/%.bpf.o))

.PHONY: all deps demo check test bench install uninstall clean help format format-check
all: $(BIN)

##@ Build
$(BIN): $(user_o) $(proto_o)
	$(call msg,LD,$@)
	$(Q)$(CC) $(LDFLAGS_ALL) $(EXPORT) -o $@ $^ $(lib_ldlibs)

$(B)/user/%.o: user/%.c $(B)/flags
	$(call msg,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(own_cflags) -MMD -MP -c -o $@ $<

# The version is compiled into one object only.
$(B)/user/lib/version.o: own_cflags = -DCONCPROF_VERSION='"$(VERSION)"'
$(B)/user/lib/version.o: $(B)/version
$(B)/version: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' > $@

# Everything is rebuilt when the flags change.
$(B)/flags: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)echo '$(CC) $(OPT) $(SANF) $(CFLAGS) $(PREFIX)' | cmp -s - $@ || echo '$(CC) $(OPT) $(SANF) $(CFLAGS) $(PREFIX)' > $@
.PHONY: FORCE
FORCE:

# --- kernel side: one object a concern, linked to one, wrapped in a skeleton ---
BPF_CFLAGS = -O2 -g -target bpf -mcpu=v3 -D__BPF__ -D__TARGET_ARCH_x86 -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wno-missing-declarations -Iinclude -Ibpf $(shell pkg-config --cflags libbpf) -I/usr/include/x86_64-linux-gnu $(BPF_EXTRA)

$(B)/bpf/%.bpf.o: bpf/%.bpf.c
	$(call msg,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/concprof.bpf.o: $(bpf_o)
	$(call msg,BPFLINK,$@)
	$(Q)bpftool gen object $@ $^

$(B)/concprof.skel.h: $(B)/concprof.bpf.o
	$(call msg,SKEL,$@)
	$(Q)bpftool gen skeleton $< name concprof_bpf > $@.tmp && mv $@.tmp $@

$(filter $(B)/user/trace/%.o,$(user_o)): $(B)/concprof.skel.h

# What the assembler includes (.incbin), dependency files do not see.
$(B)/user/export/svg_document.o: user/export/flame.js user/export/flame.css
$(B)/user/export/html.o: $(sort $(wildcard user/export/html*.js)) user/export/html.css

# schema.sql is the contract; the program carries it.
$(B)/schema.sql.h: user/profile/schema.sql
	$(call msg,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)(echo '/* generated from $< */'; echo 'static const char schema_sql[] ='; \
		sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $<; echo ';') > $@
$(filter $(B)/user/profile/%.o,$(user_o)): $(B)/schema.sql.h

# Formats of other tools: what is written of them.
$(B)/%.pb-c.c $(B)/%.pb-c.h &: user/export/%.proto
	$(call msg,PROTO,$<)
	$(Q)mkdir -p $(@D)
	$(Q)protoc-c --proto_path=$(<D) --c_out=$(B) $<
$(proto_o): %.o: %.c $(B)/flags
	$(call msg,CC,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<
$(filter $(B)/user/export/%.o,$(user_o)): $(proto_o:.o=.h)

# Names of syscalls, from the kernel's headers: `#define __NR_read 0` -> `[0] = "read",`.
$(B)/syscalls_%.h:
	$(call msg,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)echo '#include <asm/unistd_$*.h>' | $(CC) -E -dM - | sed -n 's/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$$/[\2] = "\1",/p' > $@
$(filter $(B)/user/symbols/%.o,$(user_o)): $(B)/syscalls_64.h $(B)/syscalls_32.h

-include $(user_o:.o=.d) $(bpf_o:.o=.d)

include tests/tests.mk

##@ Set-up
deps: ## install what is missing to build and to test (Debian packages; needs root only if something is)
	$(Q)tools/deps.sh build test

demo: ## install what is missing, build, and run the main job: threads-cpu explained
	$(Q)tools/deps.sh build
	$(Q)$(MAKE) --no-print-directory -j$(shell nproc) all
	$(Q)./concprof threads-cpu

install: all ## install to PREFIX (/usr/local)
	$(Q)install -D -m 0755 -s --strip-program=$(CURDIR)/tools/strip.sh concprof $(DESTDIR)$(PREFIX)/bin/concprof
	$(Q)install -d $(DESTDIR)$(PREFIX)/share/concprof/cats
	$(Q)install -m 0644 cats/*.jpg $(DESTDIR)$(PREFIX)/share/concprof/cats/

uninstall: ## remove what install put there
	$(Q)rm -f $(DESTDIR)$(PREFIX)/bin/concprof
	$(Q)rm -rf $(DESTDIR)$(PREFIX)/share/concprof

clean: ## remove everything that was built
	$(Q)rm -rf build concprof

##@ Care
format: ## format all C sources
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

format-check: ## fail when a C source is not formatted
	$(Q)clang-format --dry-run -Werror $$(git ls-files '*.c' '*.h')

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
