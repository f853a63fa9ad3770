"""What is measured side by side: the product of this checkout and of another one, two peers, and a bare server.

Each is started and asked in the same way: one process with JSON-RPC lines on its pipes. So a client's own time is the
same for all, and small.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from benchmarks.processes import end_all
from benchmarks.starting import BARE, HANDSHAKE

PATIENCE = 120.0
"""Seconds that one answer, or the library's rest, may take."""
EMBEDDING_PATIENCE = 1_200.0
"""Seconds until the vectors of all that was added are made."""
Found = Literal["nothing", "words", "vectors"]
"""How a search was answered."""

SETTINGS = """
import json
from mcp_mmretrieval.config.settings import Settings
print(json.dumps(list(Settings.model_fields)))
"""
PASSAGES_A_DOCUMENT = 10
VECTORS = """
import json, sys
import numpy as np
folder, texts = sys.argv[1], json.load(open(sys.argv[2]))
chance = np.random.default_rng(1)
topics = chance.normal(size=(200, 384))
vectors = topics[chance.integers(0, 200, len(texts))] + 0.7 * chance.normal(size=(len(texts), 384))
vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
"""
"""How each large library begins: the texts of a file, each with a made-up vector, near one of 200 topics."""
FILL_PRODUCT = f"""{VECTORS}
import hashlib
from pathlib import Path
from mcp_mmretrieval.store import Catalog, Document, Scope, VectorRows
from mcp_mmretrieval.types import Place, Segment
catalog = Catalog(Path(folder) / "catalog.db")
space = catalog.active_space().id
reading = catalog.listing(Scope(None), limit=1)[0][0].document.reading
for at in range(0, len(texts), {PASSAGES_A_DOCUMENT}):
    some = texts[at : at + {PASSAGES_A_DOCUMENT}]
    id = hashlib.sha256(" ".join(some).encode()).hexdigest()
    starts = [sum(len(text) + 2 for text in some[:number]) for number in range(len(some))]
    segments = [
        Segment(document=id, modality="text", place=Place(first=first, last=first + len(text)), text=text)
        for first, text in zip(starts, some)
    ]
    document = Document(id=id, modality="text", reading=reading, title=some[0][:40], inline=True)
    catalog.commit_read(document, segments, text="\\n\\n".join(some))
    keys = [stored.key for stored in catalog.segments_of(id)]
    rows = VectorRows(kind="text", segments=keys, parts=[0] * len(keys), vectors=vectors[at : at + len(keys)])
    catalog.commit_embedded(id, space, [rows])
catalog.close()
"""
FILL_QDRANT = f"""{VECTORS}
import uuid
from qdrant_client import QdrantClient, models
client = QdrantClient(path=folder)
for at in range(0, len(texts), 500):
    client.upsert("notes", [
        models.PointStruct(
            id=uuid.uuid4().hex,
            vector={{"fast-all-minilm-l6-v2": vector.tolist()}},
            payload={{"document": text, "metadata": None}},
        )
        for text, vector in zip(texts[at : at + 500], vectors[at : at + 500])
    ])
client.close()
"""
FILL_CHROMA = f"""{VECTORS}
import chromadb
collection = chromadb.PersistentClient(folder).get_collection("notes")
for at in range(0, len(texts), 500):
    some = texts[at : at + 500]
    ids = [f"p{{at + number}}" for number in range(len(some))]
    collection.add(ids=ids, documents=some, embeddings=vectors[at : at + 500])
"""


class Session:
    """One server on pipes. Starting it waits for nothing; what it says on stderr goes to a file."""

    def __init__(self, command: Sequence[str], variables: dict[str, str], log: Path) -> None:
        self._log = log
        with log.open("ab") as said:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, env=variables, cwd="/", bufsize=0
            )
        self._count = 0
        self._unread = b""

    def shake_hands(self) -> None:
        """Until the tools are listed."""
        self.ask("initialize", HANDSHAKE)
        self._tell({"method": "notifications/initialized"})
        assert self.ask("tools/list", {})["tools"]

    def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """A tool's answer. Raises RuntimeError where it is an error."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise RuntimeError(f"{tool}: {result['content']}")
        return result

    def ask(self, method: str, params: dict[str, Any], patience: float = PATIENCE) -> dict[str, Any]:
        """The result. Raises RuntimeError for an error, EOFError where the server ended, TimeoutError."""
        self._count += 1
        self._tell({"id": self._count, "method": method, "params": params})
        until = time.monotonic() + patience
        while True:
            message = self._message(until)
            if "method" in message and "id" in message:  # a question of the server's
                self._tell({"id": message["id"], "error": {"code": -32601, "message": "A benchmark has none."}})
            elif message.get("id") == self._count:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return dict(message["result"])

    def close(self) -> None:
        """As a client ends its server: no more lines, then a signal, then a harder one."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        for end in (None, self._process.terminate, self._process.kill):
            if end is not None:
                end()
            try:
                self._process.wait(10)
                break
            except subprocess.TimeoutExpired:
                continue
        self._process.stdout.close()

    def _tell(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def _message(self, until: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        while b"\n" not in self._unread:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise TimeoutError(f"No answer in time; {self._said()}")
            more = os.read(self._process.stdout.fileno(), 1 << 20)
            if not more:
                raise EOFError(f"The server ended; {self._said()}")
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        return dict(json.loads(line))

    def _said(self) -> str:
        return f"it said: {self._log.read_text(errors='replace')[-1500:]}"


class Contender(ABC):
    """One of those that are compared. `folder`: where it keeps a library, and all that it writes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def open(self, folder: Path, **settings: object) -> Session:
        """A server over the folder's library that has listed its tools."""
        session = self.spawn(folder, **settings)
        session.shake_hands()
        return session

    @abstractmethod
    def spawn(self, folder: Path, **settings: object) -> Session:
        """A server that has just been started; `settings` are the product's, and the others leave them."""

    @abstractmethod
    def search(self, session: Session, query: str) -> Found:
        """Ask once."""

    @abstractmethod
    def add(self, session: Session, text: str) -> None:
        """Add one note."""

    @abstractmethod
    def fill_script(self) -> str:
        """What a Python of its own runs to add many passages, with the library and a file of texts as arguments."""

    @abstractmethod
    def library(self, folder: Path) -> Path:
        """Where the library itself lies."""

    @property
    @abstractmethod
    def python(self) -> Path:
        """The Python of its environment."""

    def create(self, session: Session) -> None:  # noqa: B027  most make their library by themselves
        """Make an empty library, where that is a call of its own."""

    def settle(self, session: Session) -> None:  # noqa: B027  a peer has embedded a note before it answers
        """Wait until all that was added is embedded."""

    def follow(self, session: Session) -> None:  # noqa: B027  a peer's index is its store
        """Wait until the index has all that is embedded."""

    def until_vectors(self, session: Session, queries: Iterable[str]) -> None:
        """Search, each time for something else, until vectors answer too. Raises TimeoutError."""
        until = time.monotonic() + PATIENCE
        for query in queries:
            if self.search(session, query) == "vectors":
                return
            if time.monotonic() > until:
                break
            time.sleep(0.1)  # a flood of searches would hold up what loads the model
        raise TimeoutError(f"{self.name}: searches were not answered by vectors.")

    def fill(self, folder: Path, notes: Sequence[str]) -> None:
        """Make a library of notes, each added by a call."""
        folder.mkdir(parents=True)
        session = self.open(folder)
        self.create(session)
        for note in notes:
            self.add(session, note)
        self.settle(session)
        self.follow(session)
        session.close()
        end_all(folder)

    def fill_more(self, folder: Path, texts: Path) -> None:
        """Add many passages with made-up vectors, and wait until it holds them in order. Nobody else may use it."""
        command = [str(self.python), "-c", self.fill_script(), str(self.library(folder)), str(texts)]
        filled = subprocess.run(command, env=_variables(), cwd="/", capture_output=True, text=True, timeout=400)
        if filled.returncode:
            raise RuntimeError(f"{self.name}: {filled.stderr[-1500:]}")
        session = self.open(folder)
        self.follow(session)
        session.close()
        end_all(folder)

    def copy(self, folder: Path, to: Path) -> Path:
        """A second library with the same in it."""
        shutil.copytree(folder, to, symlinks=True)
        return to


class Product(Contender):
    """This project, by the Python of a checkout."""

    def __init__(self, name: str, python: Path, files: Path) -> None:
        """`files`: the folder that it may read."""
        super().__init__(name)
        self._python = python
        self._files = files
        told = subprocess.run([str(python), "-c", SETTINGS], cwd="/", capture_output=True, check=True, timeout=60)
        self._known = set(json.loads(told.stdout))

    @property
    def python(self) -> Path:
        return self._python

    def library(self, folder: Path) -> Path:
        return folder / "library"

    def spawn(self, folder: Path, **settings: object) -> Session:
        given = {f"MMRETRIEVAL_{name.upper()}": str(value) for name, value in settings.items() if name in self._known}
        command = [str(self._python.with_name("mcp-mmretrieval")), "--root", str(self._files)]
        command += ["--library", str(self.library(folder))]
        return Session(command, {**_variables(), "HF_HUB_OFFLINE": "1", **given}, folder / "stderr")

    def search(self, session: Session, query: str) -> Found:
        return found(session.call("search_media", query=query)["structuredContent"])

    def like(self, session: Session, path: Path) -> None:
        """Search for what resembles a file."""
        session.call("search_media", like=str(path))

    def add(self, session: Session, text: str) -> None:
        assert session.call("add_documents", text=text)["structuredContent"]["state"] == "done"

    def add_files(self, session: Session, folder: Path) -> None:
        """Add a folder, until it is read. Raises RuntimeError where a file was not."""
        while (outcome := session.call("add_documents", paths=[str(folder)])["structuredContent"])["state"] != "done":
            if outcome["state"] != "running":
                raise RuntimeError(f"{folder}: {outcome}")
        if outcome["failed"]:
            raise RuntimeError(f"{folder}: {outcome['failed']}")

    def settle(self, session: Session) -> None:
        self._wait(session, _is_embedded, 0.1, EMBEDDING_PATIENCE)

    def follow(self, session: Session) -> None:
        self._wait(session, _is_followed, 4.0)  # an index follows once no call came for 2 s

    def _wait(
        self, session: Session, done: Callable[[dict[str, Any]], bool], pause: float, patience: float = PATIENCE
    ) -> None:
        until = time.monotonic() + patience
        while not done(health := session.call("status")["structuredContent"]):
            if time.monotonic() > until:
                raise TimeoutError(f"{self.name}: this did not come to an end: {health}")
            time.sleep(pause)

    def fill_script(self) -> str:
        return FILL_PRODUCT


class Qdrant(Contender):
    """mcp-server-qdrant with its local store."""

    def __init__(self, python: Path, weights: Path) -> None:
        super().__init__("qdrant")
        self._python = python
        self._weights = weights

    @property
    def python(self) -> Path:
        return self._python

    def library(self, folder: Path) -> Path:
        return folder / "qdrant"

    def spawn(self, folder: Path, **settings: object) -> Session:
        given = {"QDRANT_LOCAL_PATH": str(self.library(folder)), "COLLECTION_NAME": "notes"}
        model = {"EMBEDDING_MODEL": "sentence-transformers/all-MiniLM-L6-v2"}
        command = [str(self._python.with_name("mcp-server-qdrant"))]
        return Session(command, {**peer_variables(self._weights), **model, **given}, folder / "stderr")

    def search(self, session: Session, query: str) -> Found:
        return "vectors" if session.call("qdrant-find", query=query)["content"] else "nothing"

    def add(self, session: Session, text: str) -> None:
        session.call("qdrant-store", information=text)

    def fill_script(self) -> str:
        return FILL_QDRANT


class Chroma(Contender):
    """chroma-mcp with its local store."""

    def __init__(self, python: Path, weights: Path) -> None:
        super().__init__("chroma")
        self._python = python
        self._weights = weights
        self._added = 0

    @property
    def python(self) -> Path:
        return self._python

    def library(self, folder: Path) -> Path:
        return folder / "chroma"

    def spawn(self, folder: Path, **settings: object) -> Session:
        command = [str(self._python.with_name("chroma-mcp")), "--client-type", "persistent"]
        command += ["--data-dir", str(self.library(folder))]
        return Session(command, peer_variables(self._weights), folder / "stderr")

    def create(self, session: Session) -> None:
        session.call("chroma_create_collection", collection_name="notes")

    def search(self, session: Session, query: str) -> Found:
        answer = session.call("chroma_query_documents", collection_name="notes", query_texts=[query], n_results=8)
        return "vectors" if answer["content"] else "nothing"

    def add(self, session: Session, text: str) -> None:
        self._added += 1
        session.call("chroma_add_documents", collection_name="notes", documents=[text], ids=[f"n{self._added}"])

    def fill_script(self) -> str:
        return FILL_CHROMA


def found(answer: dict[str, Any]) -> Found:
    """How the product answered a search."""
    if answer["searched"]["models"] == "ready" and any("text" in hit["lanes"] for hit in answer["hits"]):
        return "vectors"
    return "words" if answer["hits"] else "nothing"


def bare(folder: Path) -> Session:
    """A server of the SDK with one tool."""
    folder.mkdir(parents=True, exist_ok=True)
    return Session([sys.executable, "-c", BARE, str(folder)], _variables(), folder / "stderr")


def peer_variables(weights: Path) -> dict[str, str]:
    """The environment in which the peers find these weights and nothing else."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(weights / "home"),
        "FASTEMBED_CACHE_PATH": str(weights / "fastembed"),
        "HF_HUB_OFFLINE": "1",
        "ANONYMIZED_TELEMETRY": "False",
    }


def _is_embedded(health: dict[str, Any]) -> bool:
    """Whether nothing waits for its vectors, or for its figures to be read."""
    return not (health.get("pending_vectors") or health.get("unread_figures"))


def _is_followed(health: dict[str, Any]) -> bool:
    """Whether the index has all vectors (`ready: 12 of 12 vectors`), or is not needed for so few."""
    state, _, rest = health["index"].partition(": ")
    if state == "not needed":
        return True
    followed, _, total = rest.partition(" vectors")[0].partition(" of ")
    return state not in ("checking", "building") and followed == total


def _variables() -> dict[str, str]:
    """This environment, without what would steer the product or Python."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("MMRETRIEVAL_", "PYTHON"))}
