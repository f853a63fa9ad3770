"""Fronts and engines whose models run in a process that loses its device; see `losing_models`."""

import os
import sys

ENGINE = (sys.executable, "-P", "-m", "tests.support.crash_gpu")
LOSING = "tests.support.losing_models"


def main() -> int:
    if sys.argv[1:2] == ["serve"]:
        from mcp_mmretrieval.cli import exit_code_of
        from mcp_mmretrieval.cli.serving import serve_command
        from mcp_mmretrieval.front.options import serve_parser

        return exit_code_of(lambda: serve_command(serve_parser().parse_args(sys.argv[2:]), ENGINE))
    from mcp_mmretrieval.library import Library
    from mcp_mmretrieval.models.process.remote import process_pool
    from mcp_mmretrieval.server import __main__

    return __main__.main(
        open_library=lambda settings: Library.open(settings=settings, models=process_pool(settings, entry=LOSING)),
    )


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
