#!/bin/sh
# Installs llama.cpp (PyPI's llama-cpp-python, built for this CPU) into .venv and runs the paired benchmark.
# Further arguments go to bench/versus_llama_cpp.py, e.g. --types q4_0 --rounds 3.
set -eu
cd "$(dirname "$0")/.."
if ! [ -x .venv/bin/python ] || ! .venv/bin/python -c 'import llama_cpp' 2>/dev/null; then
  python3 -m venv .venv
  CMAKE_ARGS="-DGGML_NATIVE=ON" .venv/bin/pip install --quiet llama-cpp-python
fi
mkdir -p bench/results
exec .venv/bin/python bench/versus_llama_cpp.py --out "bench/results/$(date +%F)-versus-llama-cpp.jsonl" "$@"
