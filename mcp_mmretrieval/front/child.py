"""How every process of ours is started: with listed variables, from `/`, importing from nowhere else than we do."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess
    from typing import Any

KEPT_VARIABLES = (
    "HOME",
    "LANG",
    "LANGUAGE",
    "LOGNAME",
    "PATH",
    "SHELL",
    "SYSTEMROOT",
    "TMPDIR",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "XDG_CACHE_HOME",
)
KEPT_VARIABLE_PREFIXES = (
    "LC_",
    "HF_",
    "CUDA_",
    "NVIDIA_",
    "TORCH",
    "PYTORCH_",
    "OMP_",
    "MKL_",
    "SSL_CERT_",
    "LD_LIBRARY_PATH",
)
KEPT_VARIABLES_ANY_CASE = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
"""What a process with models sees of the environment of whoever starts it: the machine's side of it, nothing of the
client's."""

KILLED_SECONDS = 5.0
"""Seconds in which a process that was killed is gone, as a rule much sooner."""


def module_command(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module as a program. -P: the folder that it is started in is no place to import from."""
    return (sys.executable, "-P", "-m", module, *arguments)


def start_child(
    command: Sequence[str], variables: Mapping[str, str], *, pass_fds: Sequence[int] = (), **streams: Any
) -> subprocess.Popen[bytes]:
    """Start a process that sees these variables alone and lies in `/`. `streams` as `Popen` has them.

    What is not named of stdin and stdout leads nowhere. Raises OSError.
    """
    import subprocess  # only who starts a process pays for it

    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
    given = {"env": dict(variables), "cwd": os.sep, "pass_fds": pass_fds, **silent, **streams}
    return subprocess.Popen(command, **given)


def kill_child(process: subprocess.Popen[bytes]) -> bool:
    """End a process at once; whether it is gone. One that hangs in the system (a disk that fails) stays a while.

    Python collects it once it has ended. Nobody waits for it longer than `KILLED_SECONDS`.
    """
    import subprocess

    process.kill()
    try:
        process.wait(KILLED_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


def machine_variables() -> dict[str, str]:
    """The part of our environment that a process with models may see."""
    return {
        name: value
        for name, value in os.environ.items()
        if name in KEPT_VARIABLES or name.startswith(KEPT_VARIABLE_PREFIXES) or name.upper() in KEPT_VARIABLES_ANY_CASE
    }


def import_variables() -> dict[str, str]:
    """What lets a process import from where we do; a place that depends on the working folder is none."""
    return {"PYTHONPATH": os.pathsep.join(path for path in sys.path if os.path.isabs(path))}
