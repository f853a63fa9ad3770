#!/usr/bin/env bash
# ONNX Runtime's Linux wheel, unasked, gives the machine an id and keeps a database of events under the home folder.
#
# Telemetry was known of its Windows builds. The wheels for Linux on PyPI (1.30 to 1.32; 1.24 does not) make `deviceid` and
# `onnxruntime.db` in ~/.cache/Microsoft/DeveloperTools/.onnxruntime as soon as one session is made, and some seconds later look
# up mobile.events.data.microsoft.com. Nothing on stdout or stderr says so. ORT_DISABLE_TELEMETRY=1 in the environment, before
# the import, stops both. A server that promises to keep everything on the machine has to set it in each of its processes.
# Seen with onnxruntime 1.32.0 on Linux x86-64: the two files, and under strace the look-ups; neither with the variable.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "onnxruntime==1.32.0" "onnx==1.19.1" "numpy<3" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/look.py" <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2]) for name in ("given", "told")]
graph = helper.make_graph([helper.make_node("Identity", ["given"], ["told"])], "same", value[:1], value[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
assert session.run(None, {"given": np.ones(2, np.float32)})[0].tolist() == [1.0, 1.0]
PY
files_after_one_session() { # in a new home; $@: what else stands in the environment
  local home
  home=$(mktemp -d -p "$work")
  env -i PATH="$PATH" HOME="$home" "$@" "$work/venv/bin/python" "$work/look.py"
  (cd "$home" && find . -type f -name "*device*" -o -type f -name "*.db" | sort)
}
plain=$(files_after_one_session)
told=$(files_after_one_session ORT_DISABLE_TELEMETRY=1)
printf 'made in the home folder:\n%s\nwith ORT_DISABLE_TELEMETRY=1:\n%s\n' "$plain" "$told"
folder=./.cache/Microsoft/DeveloperTools/.onnxruntime
[ "$plain" = "$folder/deviceid"$'\n'"$folder/onnxruntime.db" ] && [ -z "$told" ] || { echo "This has changed." >&2; exit 1; }
