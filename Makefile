# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Builds porttrace.  `make help` lists the targets.  Settings:
#
#   V=1                     print every command
#   DEBUG=1                 -Og -g3
#   SAN=address,undefined   sanitizers in the user side
#   CC=clang  CLANG=clang-19  compiler of the user side, of the BPF side
#   PREFIX=/usr/local  DESTDIR=   where install puts things
#   SHARED=1                shared libraries, also where there are archives
#   ARGS='--json'           arguments for `make run` and `make bench`
#
# Every path is relative, so that the folder may be anywhere.  Each combination of
# CC, DEBUG and SAN has its own folder below build/; other flags are kept in a file
# there that changes when they do, and every object depends on it.

VERSION := 0.1.0

.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# --- tools -------------------------------------------------------------------

# The first of $(1) that is there; found once, not at each use.
first = $(firstword $(foreach tool,$(1),$(shell command -v $(tool) 2>/dev/null)))

ifeq ($(origin CC),default)
CC := $(notdir $(call first,gcc cc clang))
endif
ifndef CLANG
CLANG := $(notdir $(call first,clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14))
endif
ifndef LLVM_STRIP
LLVM_STRIP := $(call first,$(patsubst clang%,llvm-strip%,$(notdir $(CLANG))) llvm-strip \
		$(foreach n,19 18 17 16 15 14,llvm-strip-$(n)))
endif
ifndef BPFTOOL
# Ubuntu's /usr/sbin/bpftool only looks for the one of the running kernel.
BPFTOOL := $(shell packaging/deps --bpftool)
endif
PYTHON ?= /usr/bin/python3
INSTALL ?= install

PREFIX ?= /usr/local
BINDIR := $(DESTDIR)$(PREFIX)/bin
MANDIR := $(DESTDIR)$(PREFIX)/share/man
COMPLETIONDIR := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
# Not below PREFIX: that is where they are looked for.
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system

# --- flags -------------------------------------------------------------------

MACHINE := $(shell uname -m)
ARCH := $(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(MACHINE)))

comma := ,
empty :=
space := $(empty) $(empty)

OUT := build/$(notdir $(firstword $(CC)))$(if $(DEBUG),-debug)$(if $(SAN),-$(subst $(comma),-,$(SAN)))
BPF_OUT := build/bpf

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
WERROR ?= -Werror
ifdef DEBUG
CFLAGS ?= -Og -g3
else
CFLAGS ?= -O2 -g
endif
ifdef SAN
HARDEN := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
else ifdef DEBUG
HARDEN := -fPIE -fstack-protector-strong
else
HARDEN := -fPIE -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif

USER_CPPFLAGS := -D_GNU_SOURCE -DPORTTRACE_VERSION='"$(VERSION)"' -Iinclude -isystem $(BPF_OUT) $(CPPFLAGS)
USER_CFLAGS := -std=gnu11 $(CFLAGS) $(WARN) $(WERROR) $(HARDEN)
USER_LDFLAGS := $(if $(SAN),-fsanitize=$(SAN),-pie -Wl$(comma)-z$(comma)relro$(comma)-z$(comma)now) $(LDFLAGS)
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_$(ARCH) -Iinclude -Ivmlinux -Ibpf \
	-Wall -Wextra $(WERROR) -Wno-unused-parameter -Wno-missing-declarations

# The .a where there is one, so that the program needs nothing but libc; newer
# libelf needs zstd, and an archive that nobody needs adds nothing.
archive = $(filter /%,$(shell $(CC) -print-file-name=lib$(1).a 2>/dev/null))
library = $(or $(if $(SHARED),,$(call archive,$(1))),-l$(1))
# What the user side needs besides; tests link it too.
USER_LIBS = $(call library,cap-ng) $(call library,seccomp) $(call library,inih)
LIBS = $(call library,bpf) $(call library,elf) $(call library,z) $(if $(SHARED),,$(call archive,zstd)) $(USER_LIBS)

# --- what is built from what --------------------------------------------------

BPF_OBJ := $(BPF_OUT)/porttrace.bpf.o $(BPF_OUT)/list.bpf.o
BPF_SKEL := $(BPF_OBJ:.bpf.o=.skel.h)
USER_SRC := $(sort $(wildcard user/*.c))
USER_OBJ := $(USER_SRC:%.c=$(OUT)/%.o)
# What the unit tests link: everything that needs no kernel.
LIB_OBJ := $(filter-out %/main.o %/probe.o %/probe_list.o %/probe_iter.o %/probe_walk.o,$(USER_OBJ))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT_BIN := $(UNIT_SRC:%.c=$(OUT)/%)
# Other .c files beside the tests are shared by all of them.
UNIT_LIB_OBJ := $(patsubst %.c,$(OUT)/%.o,$(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c)))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_BIN := $(FUZZ_SRC:%.c=$(OUT)/%)
E2E_SRC := $(sort $(wildcard tests/e2e/*.c))
# Those that are preloaded into a tracer to make a fault.
E2E_PRELOAD := $(patsubst tests/e2e/%.c,build/e2e/%.so,$(filter tests/e2e/failing_%.c,$(E2E_SRC)))
E2E_BIN := $(patsubst tests/e2e/%.c,build/e2e/%,$(filter-out tests/e2e/failing_%.c,$(E2E_SRC)))
# Parts of datagram.c, which includes them, are no programs.
TRUTH_BIN := $(patsubst tests/truth/%.c,build/truth/%,$(filter-out tests/truth/datagram_%,$(sort $(wildcard tests/truth/*.c))))
# The BPF side by each version of clang that is here, for its count of instructions.
INSNS_CLANGS := $(foreach n,14 19,$(if $(call first,clang-$(n)),$(n)))
ifeq ($(INSNS_CLANGS),)
INSNS_CLANGS := $(shell $(CLANG) -dumpversion 2>/dev/null | cut -d. -f1)
endif
INSNS_OBJ := $(foreach n,$(INSNS_CLANGS),$(BPF_OBJ:$(BPF_OUT)/%=build/insns/clang-$(n)/%))
ARM64_OBJ := $(BPF_OBJ:$(BPF_OUT)/%=build/bpf-arm64/%)
BENCH_BIN := $(patsubst tests/bench/%.c,build/bench/%,$(filter-out tests/bench/bench_%,$(sort $(wildcard tests/bench/*.c)))) \
	$(patsubst %.c,$(OUT)/%,$(sort $(wildcard tests/bench/bench_*.c)))

C_FILES = $(wildcard user/*.[ch] include/porttrace/*.h bpf/*.[ch] tests/unit/*.[ch] \
	tests/e2e/*.[ch] tests/truth/*.[ch] tests/bench/*.[ch] tests/fuzz/*.[ch] tests/*.[ch])
SCRIPTS = $(wildcard .ci/run packaging/deps packaging/make-deb packaging/test-deb packaging/completions/*.bash \
	tests/vm/fetch-kernels tests/vm/vmrun)
PYTHON_FILES = $(wildcard vmlinux/check tests/run tests/*.py tests/e2e/*.py tests/bench/*.py \
	tests/truth/*.py tests/truth/run tests/truth/crowd tests/vm/matrix tests/vm/guest tests/vm/clocks tests/vm/systemd \
	tests/bench/run)

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s%s\n'
endif

# Objects made under sudo belong to whoever called it, or the next plain `make` fails.
give_back = if [ -n "$$SUDO_UID" ] && [ "$$(id -u)" = 0 ]; then chown -hR "$$SUDO_UID:$$SUDO_GID" build; fi

.PHONY: build run test unit unit-programs e2e e2e-programs truth truth-programs soak \
	valgrind deb deb-test fuzz fuzz-programs lint lint-format lint-tidy \
	lint-scripts check-layers fmt bench vmlinux insns insns-programs bpf-arm64 test-vm \
	install uninstall deps clean help FORCE

build: $(OUT)/porttrace ## build/porttrace (the default)
	$(Q)ln -sfn $(patsubst build/%,%,$<) build/porttrace
	$(Q)$(give_back)

run: ## install what is missing, build, and trace live
	@packaging/deps build
	@$(MAKE) --no-print-directory build
	@exec build/porttrace $(ARGS)

test: ## install what is missing, build, unit and end-to-end tests
	@packaging/deps test
	@$(MAKE) --no-print-directory build e2e-programs truth-programs
	@$(MAKE) --no-print-directory SAN=$(UNIT_SAN) unit-programs
	@$(PYTHON) tests/run --unit $(UNIT_OUT)/tests/unit --e2e --truth $(TESTS)
	@$(give_back)

# The unit tests run with sanitizers unless SAN says otherwise (SAN= for none).
UNIT_SAN := $(if $(filter undefined,$(origin SAN)),address$(comma)undefined,$(SAN))
UNIT_OUT = build/$(notdir $(firstword $(CC)))$(if $(DEBUG),-debug)$(if $(UNIT_SAN),-$(subst $(comma),-,$(UNIT_SAN)))

unit: ## the unit tests (no root), with sanitizers
	@$(MAKE) --no-print-directory SAN=$(UNIT_SAN) unit-programs
	@$(PYTHON) tests/run --unit $(UNIT_OUT)/tests/unit $(TESTS)

valgrind: ## the unit tests, without sanitizers, under valgrind
	@$(MAKE) --no-print-directory SAN= unit-programs
	@for program in $(notdir $(UNIT_SRC:%.c=%)); do \
		printf '  %-8s%s\n' VALGRIND $$program && \
		CMOCKA_MESSAGE_OUTPUT=TAP valgrind -q --error-exitcode=9 --leak-check=full \
			build/$(notdir $(firstword $(CC)))$(if $(DEBUG),-debug)/tests/unit/$$program \
			>build/valgrind.log 2>&1 || { cat build/valgrind.log; exit 1; }; \
	done

e2e: build e2e-programs ## the end-to-end tests (root); TESTS='connect exact' picks some
	@$(PYTHON) tests/run --e2e $(TESTS)

# Each begins with tests/fuzz/corpus and goes on in build/fuzz; what made one fail is left
# there.  What is worth keeping is merged into the corpus by hand (-set_cover_merge=1).
FUZZ_SECONDS ?= 60
FUZZ_SAN := fuzzer-no-link$(comma)address$(comma)undefined
FUZZ_OUT = build/$(notdir $(firstword $(CLANG)))$(if $(DEBUG),-debug)-$(subst $(comma),-,$(FUZZ_SAN))

fuzz: ## the fuzzers, FUZZ_SECONDS=60 each, one on each CPU (clang with its run-time library)
	@$(MAKE) --no-print-directory CC='$(CLANG)' SAN=$(FUZZ_SAN) fuzz-programs
	@printf '%s\n' $(FUZZ_SRC:tests/fuzz/%.c=%) | xargs -P "$$(nproc)" -I{} sh -c ' \
		mkdir -p build/fuzz/{} && \
		if $(FUZZ_OUT)/tests/fuzz/{} -max_total_time=$(FUZZ_SECONDS) -max_len=4096 \
			-timeout=10 -print_final_stats=1 -artifact_prefix=build/fuzz/{}- \
			build/fuzz/{} tests/fuzz/corpus/{} >build/fuzz/{}.log 2>&1; \
		then printf "  %-8s%s: %s\n" FUZZ {} "$$(grep "^Done " build/fuzz/{}.log)"; \
		else cat build/fuzz/{}.log; exit 255; fi'
	@$(give_back)

unit-programs: $(UNIT_BIN)
e2e-programs: $(E2E_BIN) $(E2E_PRELOAD)
truth-programs: $(TRUTH_BIN) build/truth/play32 build/bench/echo

truth: build e2e-programs truth-programs ## every record against what the processes wrote (root)
	@$(PYTHON) tests/truth/run $(TESTS)

soak: build e2e-programs truth-programs ## is it flat?  For long; CONNECTIONS= PROCESSES=, or MINUTES= (root)
	@CONNECTIONS='$(CONNECTIONS)' PROCESSES='$(PROCESSES)' $(PYTHON) tests/truth/soak.py \
		$(if $(MINUTES),--minutes $(MINUTES))
fuzz-programs: $(FUZZ_BIN)

insns: insns-programs ## each BPF program's count of verified instructions (root); ARGS=--update
	@$(PYTHON) -B tests/insns.py $(ARGS) $(foreach o,$(INSNS_OBJ),$(patsubst clang-%,%,$(notdir $(patsubst %/,%,$(dir $(o)))))=$(o))
	@$(give_back)

insns-programs: build/insns/insns build/insns/targets $(INSNS_OBJ)

bpf-arm64: $(ARM64_OBJ) ## the BPF side for arm64 (built, not run)
	$(Q)$(give_back)

# KERNELS='5.10 6.1' picks some of those that tests/vm/fetch-kernels has fetched.
test-vm: build e2e-programs truth-programs insns-programs ## the tests on other kernels, in QEMU (root)
	@KERNELS='$(KERNELS)' $(PYTHON) -B tests/vm/matrix $(VM_ARGS) $(TESTS)
	@$(give_back)

lint: check-layers lint-format lint-tidy lint-scripts ## format, clang-tidy, shellcheck, layers

lint-format:
	$(say) FORMAT 'C files'
	$(Q)clang-format --dry-run -Werror $(C_FILES)

# What clang-tidy says besides findings is left out; no findings means no output.
lint-tidy: $(BPF_SKEL)
	$(say) TIDY 'user/*.c'
	$(Q)printf '%s\n' $(USER_SRC) | xargs -P "$$(nproc)" -I{} \
		clang-tidy --quiet --warnings-as-errors='*' {} -- -std=gnu11 $(USER_CPPFLAGS) 2>&1 \
		| { ! grep -vE '^$$|^[0-9]+ warnings? (generated|treated)|^Suppressed |^Use -(header|system)'; }

lint-scripts:
	$(say) SHELL '$(SCRIPTS)'
	$(Q)shellcheck -x $(SCRIPTS)
	$(say) PYTHON '$(PYTHON_FILES)'
	$(Q)$(PYTHON) -B -W error::SyntaxWarning \
		-c 'import sys; [compile(open(f).read(), f, "exec") for f in sys.argv[1:]]' $(PYTHON_FILES)

# The layers (CONTRIBUTING.md): probe.c alone knows libbpf; a stage knows neither the
# options nor the probe, nor another stage.
check-layers: ## who may include what
	$(say) LAYERS 'user/'
	$(Q)$(PYTHON) tests/layers.py

fmt: ## format the C files
	$(Q)clang-format -i $(C_FILES)

bench: build $(BENCH_BIN) build/truth/crowd ## measure against the budgets (root); ARGS='--quick', 'connections --rounds 3'
	@$(PYTHON) tests/bench/run $(ARGS)

vmlinux: ## compare vmlinux/vmlinux.h with the running kernel
	@CLANG='$(CLANG)' BPFTOOL='$(BPFTOOL)' vmlinux/check

# A configuration that is there already stays.
install: build ## into PREFIX (/usr/local), below DESTDIR
	$(Q)$(INSTALL) -d '$(BINDIR)' '$(MANDIR)/man5' '$(MANDIR)/man8' '$(COMPLETIONDIR)' \
		'$(DESTDIR)$(UNITDIR)' '$(DESTDIR)$(SYSCONFDIR)/logrotate.d'
	$(Q)$(INSTALL) -m 755 build/porttrace '$(BINDIR)/porttrace'
	$(Q)$(INSTALL) -m 644 doc/porttrace.8 '$(MANDIR)/man8/'
	$(Q)$(INSTALL) -m 644 doc/porttrace-events.5 '$(MANDIR)/man5/'
	$(Q)$(INSTALL) -m 644 packaging/completions/porttrace.bash '$(COMPLETIONDIR)/porttrace'
	$(Q)sed 's|@BINDIR@|$(PREFIX)/bin|' packaging/porttrace.service >build/porttrace.service
	$(Q)$(INSTALL) -m 644 build/porttrace.service '$(DESTDIR)$(UNITDIR)/porttrace.service'
	$(Q)[ -e '$(DESTDIR)$(SYSCONFDIR)/porttrace.conf' ] || \
		$(INSTALL) -m 644 packaging/porttrace.conf '$(DESTDIR)$(SYSCONFDIR)/porttrace.conf'
	$(Q)[ -e '$(DESTDIR)$(SYSCONFDIR)/logrotate.d/porttrace' ] || \
		$(INSTALL) -m 644 packaging/porttrace.logrotate '$(DESTDIR)$(SYSCONFDIR)/logrotate.d/porttrace'

uninstall: ## remove what install put there, but not what is configured
	$(Q)rm -f '$(BINDIR)/porttrace' '$(MANDIR)/man8/porttrace.8' '$(MANDIR)/man5/porttrace-events.5' \
		'$(COMPLETIONDIR)/porttrace' '$(DESTDIR)$(UNITDIR)/porttrace.service'

deb: ## a Debian package, in build/deb
	@packaging/make-deb $(VERSION) build/deb

deb-test: ## that package in CHROOT=, a Debian of debootstrap: install, upgrade, purge (root)
	@packaging/test-deb '$(CHROOT)' build/deb/porttrace_$(VERSION)_*.deb

deps: ## install what building and testing need
	@packaging/deps build
	@packaging/deps test

clean: ## remove build/
	$(Q)rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- rules ---------------------------------------------------------------------

# Written only when it differs from what is there: $(1) is the text.
define keep_flags
	@printf '%s\n' '$(subst ','\'',$(1))' | cmp -s - $@ || printf '%s\n' '$(subst ','\'',$(1))' > $@
endef

$(OUT)/flags: FORCE | $(OUT)
	$(call keep_flags,$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) $(USER_LDFLAGS))

# So that a file that went away goes from the archive and the program too.
$(OUT)/objects: FORCE | $(OUT)
	$(call keep_flags,$(USER_OBJ))

$(BPF_OUT)/flags: FORCE | $(BPF_OUT)
	$(call keep_flags,$(CLANG) $(LLVM_STRIP) $(BPFTOOL) $(BPF_CFLAGS))

$(BPF_OBJ): $(BPF_OUT)/%.bpf.o: bpf/%.bpf.c $(BPF_OUT)/flags | $(BPF_OUT)
	$(if $(CLANG)$(V),,@echo 'no clang: `sudo make deps` installs what is missing' >&2; exit 1)
	$(say) BPF $@
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

# The types are the same; what differs is where registers are (bpf_tracing.h).
build/bpf-arm64/%.bpf.o: bpf/%.bpf.c $(BPF_OUT)/flags | build/bpf-arm64
	$(say) BPF $@
	$(Q)$(CLANG) $(patsubst -D__TARGET_ARCH_%,-D__TARGET_ARCH_arm64,$(BPF_CFLAGS)) -MMD -MP -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

define insns_rule
build/insns/clang-$(1)/%.bpf.o: bpf/%.bpf.c $$(BPF_OUT)/flags
	$$(say) BPF $$@
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(or $$(call first,clang-$(1)),$$(CLANG)) $$(BPF_CFLAGS) -MMD -MP -c $$< -o $$@
	$$(Q)$$(LLVM_STRIP) -g $$@
endef
$(foreach n,$(INSNS_CLANGS),$(eval $(call insns_rule,$(n))))

# The functions that probe's table attaches to.
build/insns/targets: user/hooks.c | build/insns
	$(Q)sed -nE 's/.*WAY_FUNCTION, "([^"]+)", "([^"]+)".*/\1 \2/p' $< > $@

build/insns/insns: tests/insns.c $(OUT)/flags | build/insns
	$(say) CC $@
	$(Q)$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) -MMD -MP $< $(LIBS) -o $@

$(BPF_SKEL): $(BPF_OUT)/%.skel.h: $(BPF_OUT)/%.bpf.o
	$(say) SKEL $@
	$(Q){ echo '/* NOLINTBEGIN: bpftool wrote this */'; \
		$(BPFTOOL) gen skeleton $< name $*_bpf; echo '/* NOLINTEND */'; } > $@

# Only these may see a skeleton, and it has to be there first.
$(OUT)/user/probe.o: $(BPF_OUT)/porttrace.skel.h
$(OUT)/user/probe_list.o: $(BPF_OUT)/list.skel.h

$(OUT)/user/%.o: user/%.c $(OUT)/flags | $(OUT)/user
	$(say) CC $@
	$(Q)$(CC) $(USER_CPPFLAGS) $(USER_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/libporttrace.a: $(LIB_OBJ) $(OUT)/objects
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

# Moved into place whole: whoever runs the old one is not disturbed.
$(OUT)/porttrace: $(USER_OBJ) $(OUT)/objects
	$(say) LD $@
	$(Q)$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) $(filter %.o,$^) $(LIBS) -o $@.new && mv $@.new $@

$(OUT)/tests/unit/%.o: tests/unit/%.c $(OUT)/flags | $(OUT)/tests/unit
	$(say) CC $@
	$(Q)$(CC) $(USER_CPPFLAGS) -Iuser -Itests/unit $(USER_CFLAGS) -MMD -MP -c $< -o $@

$(OUT)/tests/unit/test_%: $(OUT)/tests/unit/test_%.o $(UNIT_LIB_OBJ) $(OUT)/libporttrace.a
	$(say) LD $@
	$(Q)$(CC) $(USER_CFLAGS) $(USER_LDFLAGS) $^ $(USER_LIBS) -lcmocka -o $@

$(OUT)/tests/fuzz/%: tests/fuzz/%.c $(OUT)/libporttrace.a | $(OUT)/tests/fuzz
	$(say) LD $@
	$(Q)$(CC) $(USER_CPPFLAGS) -Iuser $(USER_CFLAGS) $(USER_LDFLAGS) -fsanitize=fuzzer -MMD -MP $(filter %.c %.a,$^) $(USER_LIBS) -o $@

$(OUT)/tests/bench/%: tests/bench/%.c $(OUT)/libporttrace.a | $(OUT)/tests/bench
	$(say) CC $@
	$(Q)$(CC) $(USER_CPPFLAGS) -Iuser $(USER_CFLAGS) -Itests/unit $(filter %.c %.a,$^) $(USER_LIBS) $(USER_LDFLAGS) -MMD -MP -o $@

# Started thousands of times: nothing to link at the start.
build/bench/spawn: private BENCH_LDFLAGS := -static

build/bench/carry: private BENCH_LDFLAGS = $(LIBS)

build/bench/%: tests/bench/%.c | build/bench
	$(say) CC $@
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -Iinclude -O2 -g $(WARN) $(WERROR) -MMD -MP $< $(BENCH_LDFLAGS) -o $@

build/e2e/%: tests/e2e/%.c | build/e2e
	$(say) CC $@
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARN) $(WERROR) -pthread -MMD -MP $< -o $@

build/e2e/%.so: tests/e2e/%.c | build/e2e
	$(say) CC $@
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g -fPIC -shared $(WARN) $(WERROR) -MMD -MP $< -o $@

# Started thousands of times: nothing to link at the start.
build/truth/brief: private TRUTH_LDFLAGS := -static
build/truth/tricks build/truth/feats build/truth/datagram: private TRUTH_LDFLAGS := -pthread

build/truth/%: tests/truth/%.c | build/truth
	$(say) CC $@
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -g $(WARN) $(WERROR) -MMD -MP $< $(TRUTH_LDFLAGS) -o $@

# Where the compiler can: a scenario is skipped without it.
build/truth/play32: tests/truth/play.c | build/truth
	$(say) CC $@
	$(Q)$(CC) -m32 -std=gnu11 -D_GNU_SOURCE -O2 -static $< -o $@ 2>/dev/null || rm -f $@

$(OUT) $(OUT)/user $(OUT)/tests/unit $(OUT)/tests/fuzz $(OUT)/tests/bench $(BPF_OUT) build/bpf-arm64 build/insns \
	build/e2e build/bench build/truth:
	$(Q)mkdir -p $@

# Objects that only an implicit chain names would be deleted.
.SECONDARY:

-include $(USER_OBJ:.o=.d) $(UNIT_BIN:=.d) $(UNIT_LIB_OBJ:.o=.d) $(E2E_BIN:=.d) $(E2E_PRELOAD:.so=.d) $(TRUTH_BIN:=.d) $(FUZZ_BIN:=.d) $(BENCH_BIN:=.d) \
	$(BPF_OBJ:.o=.d) $(ARM64_OBJ:.o=.d) $(INSNS_OBJ:.o=.d) build/insns/insns.d
