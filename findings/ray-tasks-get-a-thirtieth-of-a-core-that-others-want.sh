#!/usr/bin/env bash
# A Ray task that "has one CPU" has none where something else on the machine wants it. Ray starts its workers at
# niceness 15, for all programs that they start too, and nothing in `ray.init`, `ray start --help`, `ray.nodes()` or the
# task's options says so. Beside one ordinary process on the same core a task is given about 3 % of it, so a node that
# also serves, or embeds, reads thirty times slower than the same code without Ray; on an idle machine nobody sees it.
# The only way to change it is `RAY_worker_niceness=0` in the environment of `ray start`, an internal flag of the raylet.
# Seen with ray 2.60.0. What follows takes half a minute after the download of 75 MB.
set -euo pipefail
work=$(mktemp -d /tmp/ray-nice.XXXXXX)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "ray==2.60.0" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/share.py" <<'PY'
import os
import subprocess
import sys
import time

import ray

BUSY = "import os; os.sched_setaffinity(0, {%d})\nwhile True: pass"


@ray.remote(num_cpus=1)
def task(core: int, seconds: float) -> tuple[int, int, float]:
    """Its niceness, that of a program that it starts, and the share of a core that it is given."""
    child = subprocess.run([sys.executable, "-c", "import os; print(os.nice(0))"], capture_output=True, check=True)
    os.sched_setaffinity(0, {core})
    began, used = time.monotonic(), time.process_time()
    while time.monotonic() < began + seconds:
        pass
    return os.nice(0), int(child.stdout), (time.process_time() - used) / (time.monotonic() - began)


core = min(os.sched_getaffinity(0))
ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1", _temp_dir=sys.argv[1])
ordinary = subprocess.Popen([sys.executable, "-c", BUSY % core])  # at niceness 0, as all that is not Ray
try:
    niceness, of_child, share = ray.get(task.remote(core, 8.0))
finally:
    ordinary.kill()
    ray.shutdown()
print(f"ray {ray.__version__}: this process at niceness {os.nice(0)}, a task at {niceness}, what it starts at {of_child}")
print(f"a task with num_cpus=1 beside one ordinary process on its core: {share:.0%} of it")
assert os.nice(0) == 0, "start this at niceness 0"
assert niceness == of_child == 15, "Ray's workers are not nice any more"
assert share < 0.2, "and are given their share"
PY
RAY_USAGE_STATS_ENABLED=0 "$work/venv/bin/python" "$work/share.py" "$work/ray"
