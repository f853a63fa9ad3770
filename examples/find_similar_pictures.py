"""Find pictures that look like a given one: python find_similar_pictures.py LIBRARY FOLDER PICTURE"""

import sys

from mcp_mmretrieval import Library, RetrievalError

library_folder, folder, picture = sys.argv[1:]
try:
    with Library.open(library_folder, roots=[folder]) as library:
        library.add().wait()
        library.settle()
        for hit in library.search(like=picture, filters=library.filters(modality=["image"], after="2000-01-01")).hits:
            print(f"{hit.score:.2f}  {hit.citation}")
except RetrievalError as error:
    sys.exit(f"{type(error).__name__}: {error}")
