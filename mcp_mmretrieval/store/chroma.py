"""The calls of Chroma that are safe, on one folder. The only module that imports chromadb.

Never used: documents, query texts, `configuration` and embedding functions, all of which can run code that a folder
brings along (CVE-2026-45829).
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcp_mmretrieval.types import Vectors

SYNC_THRESHOLD_VECTORS = 20_000
"""Vectors after which Chroma writes its file anew; each writing is a moment at which a kill can destroy it."""
FOLDER_WAIT_SECONDS = 30.0
"""Seconds to wait for another process to let go of the folder: the check of an engine that was killed."""


VectorKey = tuple[int, int]
"""The vector of a segment's nth part."""


class ChromaFailed(Exception):
    """Chroma failed, or its folder cannot be had."""


class Chroma:
    """An open folder. Raises Broken and nothing else.

    Two processes in one folder destroy it, so each holds a lock beside it as long as it is open.
    """

    def __init__(self, folder: Path, *, fresh: bool = False) -> None:
        """Open or make it; `fresh`: delete first what is there."""
        with _told():
            self._lock = _alone(folder.with_name(folder.name + ".lock"))
        try:
            with _told():
                if fresh and folder.exists():
                    shutil.rmtree(folder)
                folder.mkdir(mode=0o700, exist_ok=True)
                self._client = _client(folder)
        except ChromaFailed:
            os.close(self._lock)
            raise
        self._collections: dict[str, Any] = {}

    def upsert(self, space: int, kind: str, places: Sequence[VectorKey], vectors: Vectors) -> None:
        """Vectors of shape (len(places), dim)."""
        with _told():
            self._collection(space, kind).upsert(ids=_ids(places), embeddings=vectors)

    def delete(self, space: int, kind: str, places: Sequence[VectorKey]) -> None:
        """Unknown ones are no error."""
        with _told():
            self._collection(space, kind).delete(ids=_ids(places))

    def drop(self, space: int) -> None:
        """Delete the collections of a space."""
        with _told():
            for collection in self._client.list_collections():
                if collection.name.startswith(_name(space, "")):
                    self._client.delete_collection(collection.name)
                    self._collections.pop(collection.name, None)

    def nearest(self, space: int, kind: str, vector: Vectors, depth: int) -> list[tuple[VectorKey, float]]:
        """Places with their cosine similarity, best first."""
        with _told():
            query = vector.reshape(1, -1)
            answer = self._collection(space, kind).query(query_embeddings=query, n_results=depth, include=["distances"])
            found = zip(answer["ids"][0], answer["distances"][0], strict=True)
            return [(_where(id), 1.0 - distance) for id, distance in found]

    def vectors(self, space: int, kind: str, places: Sequence[VectorKey]) -> dict[VectorKey, Vectors]:
        """Those that it has, each of shape (dim,)."""
        with _told():
            found = self._collection(space, kind).get(ids=_ids(places), include=["embeddings"])
            return {_where(id): vector for id, vector in zip(found["ids"], found["embeddings"], strict=True)}

    def count(self, space: int, kind: str) -> int:
        """How many it has."""
        with _told():
            return int(self._collection(space, kind).count())

    def close(self) -> None:
        """Write out and let go."""
        try:
            with _told():
                self._client.close()
        finally:
            os.close(self._lock)

    def _collection(self, space: int, kind: str) -> Any:
        name = _name(space, kind)
        if name not in self._collections:
            self._collections[name] = self._client.get_or_create_collection(
                name,
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine", "sync_threshold": SYNC_THRESHOLD_VECTORS}},
            )
        return self._collections[name]


def _ids(places: Sequence[VectorKey]) -> list[str]:
    return [f"{segment}.{part}" for segment, part in places]


def _where(id: str) -> VectorKey:
    segment, _, part = id.partition(".")
    return int(segment), int(part)


def _name(space: int, kind: str) -> str:
    return f"space-{space}-{kind}"


def _client(folder: Path) -> Any:
    import chromadb  # takes a second, which the handshake must not wait for
    from chromadb.config import Settings

    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]  # by default Chroma reads `.env` wherever the client started us
        anonymized_telemetry=False,
        chroma_api_impl="chromadb.api.rust.RustBindingsAPI",
    )
    return chromadb.PersistentClient(str(folder), settings=settings)


def _alone(path: Path) -> int:
    """The lock, once nobody else holds it. Raises TimeoutError."""
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
def _told() -> Iterator[None]:
    """Whatever Chroma raises, its panics too (a BaseException of pyo3), says that the index is broken."""
    try:
        yield
    except Exception as error:
        raise ChromaFailed(f"{type(error).__name__}: {error}") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ChromaFailed(f"{type(error).__name__}: {error}") from error
