#!/usr/bin/env bash
# watchfiles' ignore_permission_denied=True also passes over the system's limit of watches: most of a tree is not watched.
#
# A tree of 31 folders, for a person who may have 10 watches (a user namespace of its own sets that; nothing of the machine
# is changed). By default watch() raises OSError, "OS file watch limit reached". With ignore_permission_denied=True, which
# its documentation describes as being about permissions only, it raises nothing, and changes in the folders beyond the
# limit are never told. Seen with watchfiles 1.3.0 on Linux.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unshare -Ur true || { echo "this system makes no user namespace, so the limit cannot be set for this alone"; exit 1; }
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "watchfiles==1.3.0" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/look.py" <<'PY'
import sys
import threading
from pathlib import Path

import watchfiles

root = Path(sys.argv[1])
for number in range(30):
    (root / f"{number}").mkdir(parents=True)


def told(ignore: bool) -> set[str]:
    options = {"rust_timeout": 1_000, "yield_on_timeout": True, "watch_filter": None, "force_polling": False}
    changes = watchfiles.watch(root, ignore_permission_denied=ignore, stop_event=threading.Event(), **options)
    next(changes)
    for number in range(30):
        (root / f"{number}" / "new").write_text("x")
    found = {path for _ in range(3) for _, path in next(changes)}
    changes.close()
    return found


try:
    told(False)
    sys.exit("the limit is not reached")
except OSError as error:
    print(f"ignore_permission_denied=False: OSError: {str(error)[:27]}")
heard = len(told(True))
print(f"ignore_permission_denied=True: no error; {heard} of 30 changes are told")
assert 0 < heard < 30, "the limit is told now, or holds nothing back"
PY
unshare -Ur sh -c 'echo 10 >/proc/sys/user/max_inotify_watches && exec "$@"' sh "$work/venv/bin/python" "$work/look.py" "$work/tree"
