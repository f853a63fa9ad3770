"""A process to be killed: commits documents for ever, and tells on stdout what it has committed.

committing.py LIBRARY FIRST
"""

import sys
from pathlib import Path

from mcp_mmretrieval.store import Store, chroma, index
from tests.support.rows import DIM, SPACE, embed, held, put


def main(library: Path, first: int) -> None:
    # as many moments as possible at which Chroma is being written
    chroma.SYNC_THRESHOLD_VECTORS, index.UPSERT_DELAY_SECONDS, index.UPSERT_VECTORS = 100, 0.0, 50
    index.MAX_SCANNED_VECTORS = 0
    with Store.open(library) as store:
        catalog = store.catalog
        space = catalog.space(SPACE, dim=DIM)
        for number in range(first, first + 1_000_000):
            path = f"/r/f{number}"
            put(catalog, path, [f"page {page} of beacon {number}" for page in range(number % 7 + 1)])
            print("read", number, flush=True)
            embed(catalog, space, held(catalog, path), seed=number)
            print("embedded", number, flush=True)
            if number % 5 == 4:
                put(catalog, f"/r/f{number - 1}", [f"replaced beacon {number - 1}"])
                print("replaced", number - 1, flush=True)
            if number % 11 == 10:
                catalog.remove_files([f"/r/f{number - 3}"])
                print("removed", number - 3, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
