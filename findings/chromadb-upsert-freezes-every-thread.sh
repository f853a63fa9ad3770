#!/usr/bin/env bash
# While embedded Chroma takes in a batch of vectors, no other thread of the Python process runs.
#
# Its query releases Python's lock, as native code that works for long does; its upsert holds it from beginning to end. A
# thread that would wake a thousand times a second wakes twice or so during an upsert of 2,000 vectors, which takes a second
# and more. So one batch in a background thread stops an event loop, a health check and every other search of the server.
# Smaller batches cost more in all (what is taken in is paid by the batch, too) and freeze as long in sum; a process of its
# own for the index does help.
# Seen with chromadb 1.5.9 on Linux x86-64, Python 3.11: under 5 % of the wakings that an idle second has; queries leave most.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "chromadb==1.5.9" "numpy<3" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/look.py" <<'PY'
import sys
import threading
import time

import chromadb
import numpy as np

client = chromadb.PersistentClient(sys.argv[1], settings=chromadb.config.Settings(anonymized_telemetry=False))
held = client.create_collection("held", embedding_function=None)
vectors = np.random.default_rng(5).standard_normal((6_000, 384)).astype(np.float32)
for start in range(0, 4_000, 1_000):
    held.upsert(ids=[str(n) for n in range(start, start + 1_000)], embeddings=vectors[start : start + 1_000])

wakings, ended = 0, threading.Event()


def wake() -> None:
    global wakings
    while not ended.is_set():
        time.sleep(0.001)
        wakings += 1


threading.Thread(target=wake, daemon=True).start()


def share(work) -> float:
    """Wakings of the other thread a second, beside those of an idle second."""
    rates = []
    for do in (lambda: time.sleep(0.5), work):
        before, began = wakings, time.perf_counter()
        do()
        rates.append((wakings - before) / (time.perf_counter() - began))
    return rates[1] / rates[0]


upsert = share(lambda: held.upsert(ids=[str(n) for n in range(4_000, 6_000)], embeddings=vectors[4_000:]))
query = share(lambda: held.query(query_embeddings=vectors[:200], n_results=100, include=["distances"]))
ended.set()
print(f"another thread wakes {100 * upsert:.1f} % as often during an upsert, {100 * query:.0f} % during queries")
sys.exit(not (upsert < 0.1 and query > 3 * upsert))
PY
"$work/venv/bin/python" "$work/look.py" "$work/index" || { echo "This has changed." >&2; exit 1; }
