"""`python -m mcp_mmretrieval`, and the command `mcp-mmretrieval`."""

import os
import sys

from mcp_mmretrieval.cli import main as command
from mcp_mmretrieval.cli.serving import main as serve
from mcp_mmretrieval.front.options import is_serve_command


def main() -> None:
    """Run the command, and end the process with its exit code.

    At once, and not by way of the interpreter's own end: that would stop threads in the middle of native code, where a
    model may still be loading, and such a process aborts.
    """
    argv = sys.argv[1:]
    code = serve(argv) if is_serve_command(argv) else command(argv)
    if "logging" in sys.modules:
        sys.modules["logging"].shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
