#!/usr/bin/env bash
# CTranslate2 runs without torch, and describing a model to it brings torch in all the same.
#
# `import ctranslate2` has not imported torch since 4.8.2, so a process that runs an encoder or Whisper stays small. But the
# classes that describe a model's weights in numpy, which a converter of one's own needs (`ctranslate2.specs`), import torch
# wherever it is installed, though they ask it for nothing then: seconds of time and hundreds of megabytes, in the engine of
# whoever converts there. Where torch is not installed they work without. So a conversion belongs into a process of its own,
# or has `sys.modules["torch"] = None` set before the import.
# Seen with ctranslate2 4.8.5; a stand-in for torch that is next on the path tells whether it is imported.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "ctranslate2==4.8.5" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
mkdir "$work/path"
echo 'print("torch was imported")' >"$work/path/torch.py"
told() { PYTHONPATH="$work/path" "$work/venv/bin/python" -c "$1" 2>/dev/null | sort -u || true; }
plain=$(told 'import ctranslate2; ctranslate2.Encoder')
specs=$(told 'import ctranslate2.specs')
without=$("$work/venv/bin/python" -c 'import ctranslate2.specs; print(ctranslate2.specs.TransformerEncoderModelSpec.__name__)')
printf 'import ctranslate2: %s\nimport ctranslate2.specs: %s\nwithout torch: %s\n' "${plain:-nothing}" "${specs:-nothing}" "$without"
[ -z "$plain" ] && [ "$specs" = "torch was imported" ] && [ "$without" = TransformerEncoderModelSpec ] ||
  { echo "This has changed." >&2; exit 1; }
