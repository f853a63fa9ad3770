#!/usr/bin/env bash
# Measures one card in eight minutes at most: pages and sound at real size with random weights, and reranking.
#
#   benchmarks/gpu.sh [--pages FOLDER] [--json FILE] [--tiny]     see benchmarks/gpu.py
#
# PYTHON names the interpreter that has mcp-mmretrieval[hub]; without it, .venv's. Needs 12 GB of disk in TMPDIR.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
here=$PWD
# -k: a card that hangs holds a process that was told to end
exec timeout -k 10 470 env PYTHONPATH="$here${PYTHONPATH:+:$PYTHONPATH}" PYTORCH_ALLOC_CONF=expandable_segments:True \
  "$python" -m benchmarks.gpu "$@"
