"""A model process, and any program that imports this first, of a machine without the packages of the extra `hub`."""

import sys

from mcp_mmretrieval.models.hub_packages import HUB_PACKAGES

for name in HUB_PACKAGES:
    sys.modules[name] = None  # type: ignore[assignment]  # an import of it now fails, as where it is not installed

if __name__ == "__main__":
    from mcp_mmretrieval.models.process.host import main

    main()
