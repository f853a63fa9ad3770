#!/usr/bin/env bash
# Chroma refuses a vector of NaN when it is added, and answers a query of NaN with neighbours whose distances are NaN.
#
# A model that overflows in half precision gives NaN for one text. Adding such a vector raises an error, so it seems safe
# to leave the check to Chroma. A query vector of NaN raises nothing: ids come back in some order, as if they were near.
# And `delete(ids=...)` answers with how many ids it was asked for, whether or not they were held.
# Seen with chromadb 1.5.9, embedded.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "chromadb==1.5.9" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/look.py" <<'PY'
import math
import sys

import chromadb
from chromadb.config import Settings

client = chromadb.PersistentClient(sys.argv[1], Settings(anonymized_telemetry=False))
held = client.create_collection("vectors", embedding_function=None, configuration={"hnsw": {"space": "cosine"}})
held.add(ids=["a", "b"], embeddings=[[1.0, 0.0], [0.0, 1.0]])
try:
    held.add(ids=["c"], embeddings=[[math.nan, 1.0]])
    added = "taken"
except Exception as error:
    added = f"refused ({type(error).__name__})"
found = held.query(query_embeddings=[[math.nan, 1.0]], n_results=2)
distances = found["distances"][0]
deleted = held.delete(ids=["nobody", "nothing"])
print(f"adding NaN: {added}\nquery of NaN: ids {found['ids'][0]}, distances {distances}\ndeleting two unknown ids: {deleted}")
assert added.startswith("refused"), "a vector of NaN can be added now"
assert len(found["ids"][0]) == 2 and all(math.isnan(distance) for distance in distances), "such a query is refused now"
PY
"$work/venv/bin/python" "$work/look.py" "$work/store"
