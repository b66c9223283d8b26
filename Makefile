# regrow: `make run` builds everything and runs the word counter, `make test` runs the tests.
# Both install what they need first (scripts/setup.sh). The rest:
#
#   make              the library, static and shared, in build/
#   make check        the quick half of the tests, five minutes at most
#   make test-long    the tests with long counts, and what must fail when a step is left out
#   make bench        regrow and its peers in one paired run, as a table (benches/peers/README.md);
#                     BENCHES="pingpong call_actor:100000" REPS=5 PEERS=go,erlang SPREAD=1 narrow and widen it
#   make bench-alone  regrow's benchmarks alone, one JSON line each
#   make bench-publish  takes the last whole run of make bench into benches/results and README.md
#   make bench-scaling  one core and two, and the tables of docs/scaling.md
#   make bench-growth what grows with the number of processes, entries, children, messages and threads
#   make bench-latency how long calls and restarts take, also beside others that are stuck
#   make bench-floors  what one operation takes: instructions, locks, cache lines (needs valgrind)
#   make bench-python the same from Python, over plain C
#   make docs         the reference, in build/docs
#   make install PREFIX=/usr/local DESTDIR=
#   make build/regrow-bench-cpp     what C++ costs over C
#   make build/cpp/NAME             a test or an example of bindings/cpp
#   make mixed        one tree with children in C, C++, Elixir, Gleam and Python (needs what the bindings need)
#   make drills       the programs of examples/drills, in build/ under their own names
#   make build/hello build/wordcount build/pooly build/tokens build/regrow-conformance build/regrow-bench

VERSION   := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# While the version is 0.x each minor version has an ABI of its own (docs/abi.md).
SOVERSION := $(shell echo $(VERSION) | cut -d. -f1,2)
SHARED    := libregrow.so.$(VERSION)
SONAME    := libregrow.so.$(SOVERSION)

PREFIX     ?= /usr/local
DESTDIR    ?=
INCLUDEDIR ?= $(PREFIX)/include
LIBDIR     ?= $(PREFIX)/lib

CARGO   ?= cargo
CC      ?= cc
CFLAGS  ?= -O2 -g
CXX      ?= g++
CXXFLAGS ?= -O2 -g
INSTALL ?= install

# Callbacks have the parameters their type says, used or not.
WARNINGS := -Wall -Wextra -Wpedantic -Wno-unused-parameter
# Programs say -std=c11 to show what they need; _GNU_SOURCE is for getopt_long and fts.
COMPILE_CXX = $(CXX) -std=c++17 -Wall -Wextra -Wpedantic -Iinclude -Ibindings/cpp $(CPPFLAGS) $(CXXFLAGS)
COMPILE   = $(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) -Iinclude $(CPPFLAGS) $(CFLAGS)
LINK      = -Lbuild -lregrow -Wl,-rpath,'$$ORIGIN' -Wl,-rpath,'$$ORIGIN/..' -pthread -lm $(LDFLAGS)

HEADER      := include/regrow.h
LIBRARIES   := build/libregrow.so build/libregrow.a
WORDCOUNT   := $(wildcard examples/wordcount/*.c)
POOLY       := $(wildcard examples/pooly/*.c)
TOKENS      := $(wildcard examples/tokens/*.c)
DRILLS      := $(patsubst examples/drills/%.c,build/%,$(wildcard examples/drills/*.c))
CONFORMANCE := $(wildcard tests/conformance/executor/*.c)
BENCH       := $(wildcard benches/c/*.c)
GROWTH      := $(wildcard benches/growth/*.c)
# The executor in C++: what is there in both languages is C++, the rest is the C executor's.
EXECUTOR_CPP := $(wildcard bindings/cpp/conformance/*.cpp)
EXECUTOR_C   := $(filter-out $(EXECUTOR_CPP:bindings/cpp/conformance/%.cpp=tests/conformance/executor/%.c),$(CONFORMANCE))

.PHONY: all run mixed drills test check test-long bench bench-alone bench-publish bench-growth bench-latency bench-floors bench-scaling bench-python docs install clean tools test-tools FORCE
.DELETE_ON_ERROR:

all: $(LIBRARIES)

run: build/wordcount
	build/wordcount --chaos 0.2

test: test-tools
	scripts/test.sh test

check: test-tools
	scripts/test.sh check

test-long: test-tools
	REGROW_ROUNDS=$${REGROW_ROUNDS:-20} scripts/test.sh long

bench: build/regrow-bench
	python3 benches/peers/bench.py compare $(BENCHES)

bench-alone: build/regrow-bench
	build/regrow-bench $(BENCHES)

bench-growth: build/regrow-growth
	build/regrow-growth $(CASES)

bench-latency: build/regrow-latency
	build/regrow-latency $(SITUATIONS)

# NAMES='"spawn, one message, exit"' narrows it.
bench-floors: build/regrow-bench build/regrow-floors
	python3 benches/floors/floors.py $(NAMES)

bench-publish:
	python3 benches/peers/publish.py

bench-scaling: build/regrow-bench build/regrow-scaling
	python3 benches/scaling/scaling.py measure
	python3 benches/scaling/scaling.py write

bench-python: build/plain
	scripts/python.sh build/python
	build/python/bin/python benches/python/bench.py build/plain

tools:
	@scripts/setup.sh build

test-tools:
	@scripts/setup.sh test

# ---- the library: cargo knows what is out of date, and an unchanged result is left alone. A new one takes its place in
# one step: a program that runs keeps the one that it has ----

build/$(SHARED): FORCE | tools
	$(CARGO) build --release --lib --target-dir target
	@mkdir -p build
	@cmp -s target/release/libregrow.so $@ || { cp target/release/libregrow.so $@.new && mv -f $@.new $@; }

build/libregrow.so: build/$(SHARED)
	@ln -sf $(SHARED) build/$(SONAME)
	@ln -sf $(SHARED) $@

build/libregrow.a: build/$(SHARED)
	@cmp -s target/release/libregrow.a $@ || cp target/release/libregrow.a $@

FORCE:

# ---- the programs ----

build/hello: examples/hello.c build/libregrow.so $(HEADER)
	$(COMPILE) examples/hello.c -o $@ $(LINK)

build/wordcount: $(WORDCOUNT) $(wildcard examples/wordcount/*.h) build/libregrow.so $(HEADER)
	$(COMPILE) $(WORDCOUNT) -o $@ $(LINK)

build/pooly: $(POOLY) $(wildcard examples/pooly/*.h) build/libregrow.so $(HEADER)
	$(COMPILE) $(POOLY) -o $@ $(LINK)

build/tokens: $(TOKENS) $(wildcard examples/tokens/*.h) build/libregrow.so $(HEADER)
	$(COMPILE) $(TOKENS) -o $@ $(LINK)

# One tree of children in five languages.
mixed: build/libregrow.so | test-tools
	$(MAKE) -s -f examples/mixed/Makefile

drills: $(DRILLS)

$(DRILLS): build/%: examples/drills/%.c examples/drills/drill.h build/libregrow.so $(HEADER)
	$(COMPILE) $< -o $@ $(LINK)

build/regrow-conformance: $(CONFORMANCE) $(wildcard tests/conformance/executor/*.h) build/libregrow.so $(HEADER)
	$(COMPILE) $(CONFORMANCE) -o $@ $(LINK)

build/regrow-bench: $(BENCH) $(wildcard benches/c/*.h) build/libregrow.so $(HEADER)
	$(COMPILE) $(BENCH) -o $@ $(LINK)

build/regrow-growth: $(GROWTH) $(wildcard benches/growth/*.h) build/libregrow.so $(HEADER)
	$(COMPILE) $(GROWTH) -o $@ $(LINK)

build/regrow-latency: benches/latency/latency.c build/libregrow.so $(HEADER)
	$(COMPILE) $< -o $@ $(LINK)

build/regrow-scaling: benches/scaling/copies.c benches/c/harness.c benches/c/harness.h build/libregrow.so $(HEADER)
	$(COMPILE) benches/scaling/copies.c benches/c/harness.c -o $@ $(LINK)

# What it measures is what regrow-bench does.
FLOORS := benches/floors/entries.c $(filter-out benches/c/main.c,$(BENCH))
build/regrow-floors: $(FLOORS) benches/c/harness.h build/libregrow.so $(HEADER)
	$(COMPILE) $(FLOORS) -o $@ $(LINK)

build/plain: benches/python/plain.c build/libregrow.so $(HEADER)
	$(COMPILE) $< -o $@ $(LINK)

build/paths: benches/instructions/paths.c build/libregrow.so $(HEADER)
	$(COMPILE) $< -o $@ $(LINK)

build/regrow-bench-cpp: benches/cpp/compare.cpp bindings/cpp/regrow.hpp build/libregrow.so $(HEADER)
	$(COMPILE_CXX) $< -o $@ $(LINK)

build/tests/%: tests/c/%.c $(wildcard tests/c/*.h) build/libregrow.so $(HEADER)
	@mkdir -p build/tests
	$(COMPILE) $< -o $@ $(LINK)

build/cpp/%: bindings/cpp/tests/%.cpp bindings/cpp/tests/test.hpp bindings/cpp/regrow.hpp build/libregrow.so $(HEADER)
	@mkdir -p build/cpp
	$(COMPILE_CXX) $< -o $@ $(LINK)

build/cpp/%: bindings/cpp/examples/%.cpp $(wildcard bindings/cpp/examples/*.hpp) bindings/cpp/regrow.hpp build/libregrow.so $(HEADER)
	@mkdir -p build/cpp
	$(COMPILE_CXX) $< -o $@ $(LINK)

build/cpp/executor/%.o: tests/conformance/executor/%.c $(wildcard tests/conformance/executor/*.h) $(HEADER)
	@mkdir -p build/cpp/executor
	$(COMPILE) -c $< -o $@

build/cpp/executor/%.cpp.o: bindings/cpp/conformance/%.cpp $(wildcard bindings/cpp/conformance/*.hpp tests/conformance/executor/*.h) bindings/cpp/regrow.hpp $(HEADER)
	@mkdir -p build/cpp/executor
	$(COMPILE_CXX) -Itests/conformance/executor -c $< -o $@

build/regrow-conformance-cpp: $(EXECUTOR_C:tests/conformance/executor/%.c=build/cpp/executor/%.o) $(EXECUTOR_CPP:bindings/cpp/conformance/%=build/cpp/executor/%.o) build/libregrow.so
	$(CXX) $(filter %.o,$^) -o $@ $(LINK)

# The build of the library brings the header up to date.
$(HEADER): build/$(SHARED) ;

docs: build/$(SHARED)
	@mkdir -p build
	doxygen docs/Doxyfile

# ---- installing ----

# The installed pkg-config and CMake files find the rest from where they themselves are, so an
# installed tree may be moved.
from = $(shell realpath -m --relative-to=$(1) $(2))
FILL = sed -e 's|@VERSION@|$(VERSION)|g' -e 's|@SOVERSION@|$(SOVERSION)|g' \
           -e 's|@PKGCONFIG_TO_PREFIX@|$(call from,$(LIBDIR)/pkgconfig,$(PREFIX))|g' \
           -e 's|@CMAKE_TO_PREFIX@|$(call from,$(LIBDIR)/cmake/regrow,$(PREFIX))|g' \
           -e 's|@LIBDIR@|$(call from,$(PREFIX),$(LIBDIR))|g' \
           -e 's|@INCLUDEDIR@|$(call from,$(PREFIX),$(INCLUDEDIR))|g'

install: $(LIBRARIES)
	$(INSTALL) -d $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(LIBDIR)/cmake/regrow
	$(INSTALL) -m 644 include/regrow.h bindings/cpp/regrow.hpp $(DESTDIR)$(INCLUDEDIR)
	$(INSTALL) -m 755 build/$(SHARED) $(DESTDIR)$(LIBDIR)/$(SHARED)
	ln -sf $(SHARED) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SHARED) $(DESTDIR)$(LIBDIR)/libregrow.so
	$(INSTALL) -m 644 build/libregrow.a $(DESTDIR)$(LIBDIR)/libregrow.a
	$(FILL) regrow.pc.in > $(DESTDIR)$(LIBDIR)/pkgconfig/regrow.pc
	for name in regrowConfig.cmake regrowConfigVersion.cmake; do \
	  $(FILL) cmake/$$name.in > $(DESTDIR)$(LIBDIR)/cmake/regrow/$$name || exit 1; done

clean:
	$(CARGO) clean --target-dir target
	rm -rf build
