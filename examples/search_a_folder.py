"""Add a folder to a library and ask a question: python search_a_folder.py LIBRARY FOLDER QUESTION"""

import sys

from mcp_mmretrieval import Library

library_folder, folder, question = sys.argv[1:]
with Library.open(library_folder, roots=[folder]) as library:
    outcome = library.add().wait()
    library.settle()
    print(f"{outcome.added} files added, {len(outcome.failed)} failed")
    for hit in library.search(question).hits:
        print(f"{hit.score:.2f}  {hit.citation}  {hit.snippet}")
