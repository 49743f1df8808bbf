# make run    install what is missing, build, and chat with the built-in model
# make test   install what is missing, build everything, and pass every test
# make build  leave the programs in build/bin
# make bench  compare with llama.cpp on this machine (installs it from PyPI into .venv)
.PHONY: run test build bench dependencies configure format clean

run: configure
	@cmake --build build --target hearth
	@build/bin/hearth run

test: build
	ctest --test-dir build --output-on-failure --no-tests=error -j 2

build: configure
	@cmake --build build

configure: dependencies
	@mkdir -p build
	@cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }

dependencies:
	@scripts/install_dependencies.sh

bench: build
	scripts/bench_peers.sh

format:
	clang-format-14 -i $$(git ls-files '*.h' '*.cpp')

clean:
	rm -rf build
