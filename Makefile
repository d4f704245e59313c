# A short front for meson. `make help` lists the targets.
BUILD ?= build
T ?=
SECONDS ?= 60
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: help deps build run check one fuzz cover tidy format torture bench install clean
help:
	@echo "make run          install packages, build, run the main example"
	@echo "make check        install packages, build with gcc, clang and sanitizers, run every test"
	@echo "make one T=name   run one test"
	@echo "make fuzz T=name  fuzz one parser for SECONDS ($(SECONDS)); without T: list them"
	@echo "make cover        run every test with coverage: a table, and pages in build-cover/coverage"
	@echo "make tidy         clang-tidy and gcc's analyzer"
	@echo "make format       lay the sources out"
	@echo "make torture      make allocations and system calls fail in turn; many connections (half an hour)"
	@echo "make bench        measure, each figure beside a peer's"
	@echo "make build        install packages, build into $(BUILD)"
	@echo "make install      build for release, install below PREFIX ($(PREFIX)); DESTDIR is kept"
	@echo "make clean        remove what was built"
deps:
	@sh scripts/install-packages.sh
build: deps
	@sh scripts/build.sh $(BUILD) gcc
run: build
	@sh scripts/main-job.sh $(BUILD)
check: deps
	@sh scripts/check.sh
one: build
	@meson test -C $(BUILD) --print-errorlogs $(T)
fuzz: deps
	@sh scripts/fuzz.sh "$(T)" $(SECONDS)
cover: deps
	@sh scripts/cover.sh
tidy: deps
	@sh scripts/tidy.sh
format: deps
	@git ls-files '*.c' '*.h' | xargs clang-format -i
torture: deps
	@sh scripts/torture.sh
bench: deps
	@sh scripts/bench.sh
install: deps
	@sh scripts/build.sh build-release gcc --buildtype=release --prefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) meson install -C build-release --no-rebuild --quiet
clean:
	rm -rf build build-*
