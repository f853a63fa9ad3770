#!/usr/bin/env bash
# What is set so that large tensors reuse their memory does so in the main thread, and above 64 MB in no other.
#
# A process that makes and frees large arrays again and again (batches of pixels, of activations) is told to set
# MALLOC_MMAP_THRESHOLD_ and MALLOC_TRIM_THRESHOLD_ high, so that each batch does not ask the kernel for fresh pages. Any other
# thread than the main one allocates from an arena of heaps that are 64 MB long (HEAP_MAX_SIZE, fixed when glibc is built): a
# block that does not fit goes to mmap whatever the threshold says, and all its pages are faulted in once more. Servers compute in
# worker threads, so there the advice does nothing for exactly the largest blocks. MALLOC_ARENA_MAX=1, which lets every thread
# use the main arena, makes the thresholds hold everywhere.
# Seen with glibc 2.36 and numpy 2.4.2: page faults for each array of 80 MB that is made, filled and freed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q "numpy==2.4.2" 2>"$work/pip.log" || { cat "$work/pip.log"; exit 1; }
cat >"$work/faults.py" <<'EOF'
import resource
import threading

import numpy as np


def faults(arrays=30):
    for count in (5, arrays):  # the first ones warm up
        before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
        for _ in range(count):
            made = np.empty(20 << 20, np.float32)
            made.fill(1.0)
            del made
        each = (resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before) / count
    return each


told = {"main": faults()}
thread = threading.Thread(target=lambda: told.update(other=faults()))
thread.start()
thread.join()
print(f"{told['main']:.0f} {told['other']:.0f}")
EOF
high="MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=1073741824"
read -r main other < <(env $high "$work/venv/bin/python" "$work/faults.py")
read -r main_one other_one < <(env $high MALLOC_ARENA_MAX=1 "$work/venv/bin/python" "$work/faults.py")
echo "thresholds of 1 GB: $main faults an array in the main thread, $other in another one"
echo "and one arena: $main_one in the main thread, $other_one in another one"
[ "$main" -lt 5 ] && [ "$other" -gt 20 ] && [ "$main_one" -lt 5 ] && [ "$other_one" -lt 5 ] ||
  { echo "This has changed." >&2; exit 1; }
