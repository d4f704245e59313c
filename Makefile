# A short front for meson. `make help` lists the targets.
BUILD ?= build
T ?=

.PHONY: help deps build check clean one
help:
	@echo "make run      install packages, build, run the main example"
	@echo "make check    install packages, build with gcc and clang, run every test"
	@echo "make one T=n  run one test"
deps:
	@sh scripts/install-packages.sh
build: deps
	@sh scripts/build.sh $(BUILD) gcc
check: deps
	@sh scripts/check.sh
one: build
	@meson test -C $(BUILD) --print-errorlogs $(T)
clean:
	rm -rf build build-*
