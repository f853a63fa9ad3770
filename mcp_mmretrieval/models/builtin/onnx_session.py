"""How ONNX Runtime runs the built-in models: on the processor, with threads that sleep while they wait."""

from __future__ import annotations

from pathlib import Path

import onnxruntime  # type: ignore[import-untyped]


def cpu_session(file: Path, threads: int, *, arena: bool = True) -> onnxruntime.InferenceSession:
    """A model, loaded. `threads` compute one operation; operations run one after the other.

    `arena`: keep what an input took for the next one, as fits where all are of one size.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = arena
    options.log_severity_level = 4  # an empty picture is worth no line
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # see `set_thread_environment`
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
