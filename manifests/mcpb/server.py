"""Starts the server of a bundle: every argument is a folder that the person chose in the host."""

import sys

from mcp_mmretrieval.__main__ import main

sys.argv[1:] = [f"--root={folder}" for folder in sys.argv[1:]]
main()
