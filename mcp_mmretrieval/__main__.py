"""`python -m mcp_mmretrieval`, and the command `mcp-mmretrieval`."""

import logging
import os
import sys

from mcp_mmretrieval import cli


def main() -> None:
    """Run the command, and end the process with its exit code.

    At once, and not by way of the interpreter's own end: that would stop threads in the middle of native code, where a
    model may still be loading, and such a process aborts.
    """
    code = cli.main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
