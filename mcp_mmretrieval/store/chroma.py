"""The calls of Chroma that are safe, on one folder. The only module that imports chromadb.

Never used: documents, query texts, `configuration` and embedding functions, all of which can run code that a folder
brings along (CVE-2026-45829).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_mmretrieval.store.vectors import PartKeys
    from mcp_mmretrieval.types import Vectors

SYNC_THRESHOLD_VECTORS = 5_000
"""Vectors after which Chroma writes its file anew. Those since are put into the graph again at each opening: 1.3 ms of
processor time for each at 100,000 vectors. And each writing is a moment at which a kill can destroy the file."""
FOLDER_WAIT_SECONDS = 30.0
"""Seconds to wait for another process to let go of the folder: the check of an engine that was killed."""


VectorKey = tuple[int, int]
"""Names a vector: the key of its segment, and which part of the segment it stands for."""


class ChromaFailed(Exception):
    """Chroma failed, or its folder cannot be had."""


class Chroma:
    """An open folder. Raises ChromaFailed and nothing else.

    It lives in the index process (`index_worker`): writing holds Python's lock for seconds, and a bad folder can end
    its process or take all memory.

    Two processes in one folder destroy it, so each holds a lock beside the folder as long as it is open.
    """

    def __init__(self, folder: Path, *, fresh: bool = False, sync_threshold: int = SYNC_THRESHOLD_VECTORS) -> None:
        """Open the folder or make it. `fresh`: delete first what is there. `sync_threshold`: of new collections."""
        with _as_chroma_failed():
            self._lock = _lock_file(folder.with_name(folder.name + ".lock"))
        try:
            with _as_chroma_failed():
                if fresh:
                    remove_index(folder)
                if folder.is_symlink():
                    raise NotADirectoryError(f"{folder} is a link")
                folder.mkdir(mode=0o700, exist_ok=True)
                self._client = _open_client(folder)
        except ChromaFailed:
            os.close(self._lock)
            raise
        self._sync_threshold = sync_threshold
        self._collections: dict[str, Any] = {}

    def upsert(self, space: int, kind: str, keys: PartKeys, vectors: Vectors) -> None:
        """Add or replace vectors, of shape (len(keys), dim)."""
        with _as_chroma_failed():
            self._collection(space, kind).upsert(ids=ids_of_keys(keys), embeddings=vectors)

    def delete(self, space: int, kind: str, keys: PartKeys) -> None:
        """Delete vectors. Unknown keys are no error."""
        with _as_chroma_failed():
            self._collection(space, kind).delete(ids=ids_of_keys(keys))

    def drop(self, space: int) -> None:
        """Delete the collections of a space."""
        with _as_chroma_failed():
            for collection in self._client.list_collections():
                if collection.name.startswith(_name(space, "")):
                    self._client.delete_collection(collection.name)
                    self._collections.pop(collection.name, None)

    def nearest(self, space: int, kind: str, vector: Vectors, depth: int) -> tuple[PartKeys, Vectors]:
        """The keys of the `depth` nearest vectors, best first, and their cosine similarities."""
        import numpy as np

        with _as_chroma_failed():
            query = vector.reshape(1, -1)
            answer = self._collection(space, kind).query(query_embeddings=query, n_results=depth, include=["distances"])
            keys = np.array([key_of_id(id) for id in answer["ids"][0]], dtype=np.int64).reshape(-1, 2)
            return keys, 1.0 - np.array(answer["distances"][0], dtype=np.float32)

    def vectors(self, space: int, kind: str, keys: PartKeys) -> dict[VectorKey, Vectors]:
        """The vectors that it has of these, each of shape (dim,)."""
        with _as_chroma_failed():
            found = self._collection(space, kind).get(ids=ids_of_keys(keys), include=["embeddings"])
            return {key_of_id(id): vector for id, vector in zip(found["ids"], found["embeddings"], strict=True)}

    def count(self, space: int, kind: str) -> int:
        """How many vectors it has of a kind."""
        with _as_chroma_failed():
            return int(self._collection(space, kind).count())

    def close(self) -> None:
        """Write out, and release the folder."""
        try:
            with _as_chroma_failed():
                self._client.close()
        finally:
            os.close(self._lock)

    def _collection(self, space: int, kind: str) -> Any:
        name = _name(space, kind)
        if name not in self._collections:
            self._collections[name] = self._client.get_or_create_collection(
                name,
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine", "sync_threshold": self._sync_threshold}},
            )
        return self._collections[name]


def remove_index(folder: Path) -> None:
    """Delete an index, which is made from the catalog again. A link goes, and what it leads to stays."""
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)


def ids_of_keys(keys: PartKeys) -> list[str]:
    """How Chroma is told of vectors."""
    return [f"{segment}.{part}" for segment, part in keys.tolist()]


def key_of_id(id: str) -> VectorKey:
    """The vector that an id names. Raises ValueError for one that is not ours."""
    segment, _, part = id.partition(".")
    return int(segment), int(part)


def _name(space: int, kind: str) -> str:
    return f"space-{space}-{kind}"


def _open_client(folder: Path) -> Any:
    import chromadb  # takes a second and 70 MB, and the engine never does
    from chromadb.config import Settings

    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]  # by default Chroma reads `.env` wherever the client started us
        anonymized_telemetry=False,
        chroma_api_impl="chromadb.api.rust.RustBindingsAPI",
    )
    return chromadb.PersistentClient(str(folder), settings=settings)


def _lock_file(path: Path) -> int:
    """Lock the file once nobody else does. Its descriptor; raises TimeoutError."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    end = time.monotonic() + FOLDER_WAIT_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() > end:
                os.close(file)
                raise TimeoutError(f"{path} is held by another process") from None
        time.sleep(0.02)


@contextmanager
def _as_chroma_failed() -> Iterator[None]:
    """Turn whatever Chroma raises into ChromaFailed, its panics too (a BaseException of pyo3)."""
    try:
        yield
    except Exception as error:
        raise ChromaFailed(f"{type(error).__name__}: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ChromaFailed(f"{type(error).__name__}: {error}") from error
