"""Stands in for the process that talks to Ray: how it answers stands in the name of the file that it is to read.

Run as a program, as the real one is.
"""

import os
import sys
from contextlib import suppress
from multiprocessing.connection import Connection

from mcp_mmretrieval.adding.cluster.messages import ClusterNode, NotReadable, ReadOrder, SegmentsStaged, TextRead
from mcp_mmretrieval.adding.reading import FileText
from mcp_mmretrieval.types import Place, Segment

NODE = ClusterNode("n1", "10.0.0.1")


def main() -> None:
    link = Connection(int(sys.argv[1]))
    address, _ = link.recv()
    if address == "dies:1":
        return
    link.send(f"{address}: refused." if address == "refuses:1" else None)
    while True:
        what, number, *given = link.recv()
        if what == "cancel":
            link.send((max(number, 0), NODE, NotReadable("internal", "after it was cancelled")))
            continue
        order: ReadOrder = given[0]
        if "die" in order.path:
            os._exit(3)
        segment = Segment(document=order.document, modality="text", place=Place(page=1), text=order.path)
        link.send((number, NODE, SegmentsStaged(0, (segment,))))
        if "wait" not in order.path:
            link.send((number, NODE, TextRead(FileText(title=f"by {os.getpid()}", segments=[segment]))))


if __name__ == "__main__":
    with suppress(EOFError, OSError):  # the engine has hung up
        main()
