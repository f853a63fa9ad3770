#!/usr/bin/env bash
# pathspec's GitIgnoreSpec says that a folder is ignored which git enters: a walk that asks it about folders loses files.
#
# With the patterns `*`, `!*/`, `!*.md` (ignore all but Markdown, in any folder) git enters `notes/` and keeps
# `notes/a.md`. GitIgnoreSpec gives the same answer for the file. But asked about the folder, as a walk does before it goes
# in, it says "ignored" for `notes`, and for `notes/` too, so a walk that prunes ignored folders never meets the file.
# Seen with pathspec 1.1.1 against git check-ignore.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "pathspec==1.1.1" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
mkdir -p "$work/tree/notes"
printf '*\n!*/\n!*.md\n' >"$work/tree/.gitignore"
touch "$work/tree/notes/a.md" "$work/tree/notes/b.bin"
git -C "$work/tree" init -q
kept=$(git -C "$work/tree" ls-files --others --exclude-standard)
echo "git keeps: $kept"
[ "$kept" = "notes/a.md" ] || { echo "git keeps something else"; exit 1; }
cat >"$work/look.py" <<'PY'
import sys
from pathlib import Path

import pathspec

spec = pathspec.GitIgnoreSpec.from_lines(Path(sys.argv[1], ".gitignore").read_text().splitlines())
said = {path: spec.match_file(path) for path in ("notes/a.md", "notes/b.bin", "notes", "notes/")}
print(f"GitIgnoreSpec ignores: {said}")
assert not said["notes/a.md"], "the file is ignored now"
assert said["notes/b.bin"], "the other file is kept now"
assert said["notes"] or said["notes/"], "the folder is entered now"
PY
"$work/venv/bin/python" "$work/look.py" "$work/tree"
