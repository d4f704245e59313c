# A short front for meson. `make help` lists the targets.
BUILD ?= build
T ?=
PREFIX ?= /usr/local
DESTDIR ?=

.PHONY: help deps build run check one install clean
help:
	@echo "make run      install packages, build, run the main example"
	@echo "make check    install packages, build with gcc and clang, run every test"
	@echo "make one T=n  run one test"
	@echo "make build    install packages, build into $(BUILD)"
	@echo "make install  build for release, install below PREFIX ($(PREFIX)); DESTDIR is kept"
	@echo "make clean    remove what was built"
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
install: deps
	@sh scripts/build.sh build-release gcc --buildtype=release --prefix=$(PREFIX)
	@DESTDIR=$(DESTDIR) meson install -C build-release --no-rebuild --quiet
clean:
	rm -rf build build-*
