"""What one card does with the pipeline at real size and random weights: `gpu.sh` runs it, in eight minutes at most.

Pages are added as a library adds them: parsers decode, the model process prepares and embeds. The share of time in
which the card is busy is that of the forward passes, each until its vectors are back; the share of its own product of
matrices (bf16, measured in the same run) is that of the operations of all pages. Speed and memory are true, quality
there is none. The JSON is written after each part; a part that fails says why, and the others go on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from mcp_mmretrieval.adding.batching import DocumentBatcher
from mcp_mmretrieval.bench import flops
from mcp_mmretrieval.bench.untrained import build_architecture, design, qwen
from mcp_mmretrieval.bench.workloads import Workloads
from mcp_mmretrieval.config.profiles import EMBEDDERS, EmbedderSpec
from mcp_mmretrieval.config.settings import Settings
from mcp_mmretrieval.library import Library
from mcp_mmretrieval.models import Embedder, recipe
from mcp_mmretrieval.models.device import threads
from mcp_mmretrieval.models.process.remote import ProcessLoader
from mcp_mmretrieval.store import Catalog

HOST = "benchmarks.measured_host"
LINES, LINE = 42, "The ferry leaves the harbour at seven, and the pump of the second engine is to be looked after. "
A4 = (595, 842)
"""Points."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    pages: int
    pages_a_file: int
    candidates: int
    queries: int
    sounds: int
    patches: int
    embedder: str = ""
    """Architectures of the real size; empty: tiny ones."""
    reranker: str = ""
    hearing: str = ""


SIZES = {
    "real": Size(400, 20, 20, 20, 64, 20_480, "qwen3-vl-embedding-2b", "qwen3-vl-reranker-2b", "embeddinggemma-2"),
    "tiny": Size(4, 2, 3, 2, 8, 64),
}


def write_pdf(file: Path, pages: int, first: int) -> None:
    """Pages of text in Helvetica, each of another wording; PDFium renders them as any other."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * page} 0 R" for page in range(pages))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode())
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for page in range(pages):
        shown = [f"({line} {first + page}: {LINE[(line + page) % 40 :]}) Tj T*" for line in range(LINES)]
        stream = "\n".join(["BT /F1 10 Tf 16 TL 50 790 Td", *shown, "ET"]).encode()
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {A4[0]} {A4[1]}] /Contents {5 + 2 * page} 0 R "
            "/Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    written, places = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(written))
        written += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>"
    file.write_bytes(written + f"{end}\nstartxref\n{len(written)}\n%%EOF\n".encode())


class Measurement:
    """Parts of one run, on one device. What was found so far stands in its file."""

    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        self._arguments = arguments
        self._folder = folder
        self._size = SIZES["tiny" if arguments.tiny else "real"]
        self._device = flops.torch_device_names()[0]
        self._dtype = "bfloat16" if self._device == "cuda" else "float32"
        self._settings = Settings.read(
            library=folder / "models", ocr="off", speech="off", profile=str(folder / "none"), device=self._device,
            workers=arguments.workers, reranker=str(folder / "weights" / (self._size.reranker or "reranker_tiny")),
        )  # fmt: skip
        self._settings.library.mkdir()
        self._maker = ""
        """The recipe of the embedder that is loaded."""
        self._loader = ProcessLoader(self._settings, entry=HOST)
        self._until: float = time.monotonic() + arguments.seconds
        self.found: dict[str, Any] = {
            "size": asdict(self._size), "device": flops.device_name(self._device), "dtype": self._dtype,
            "cores": threads.thread_budget(0), "workers": arguments.workers, **flops.torch_versions(),
        }  # fmt: skip

    def run(self) -> None:
        """All parts, as long as there is time."""
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "matmul": self.matmul,
            "patches": self.patches,
            "pages": self.pages,
            "rerank": self.rerank,
            "sound": self.sound,
        }
        for name, part in parts.items():
            began = time.monotonic()
            if self._late():
                self.found[name] = {"left_out": "no time was left"}
            else:
                try:
                    self.found[name] = part()
                except Exception as error:  # noqa: BLE001 - told in its place
                    self.found[name] = {"failed": f"{type(error).__name__}: {error}"}
            self.found[name]["took_s"] = round(time.monotonic() - began, 1)
            print(json.dumps({name: self.found[name]}), flush=True)
            self._arguments.json.write_text(json.dumps(self.found, indent=1) + "\n", encoding="utf-8")
        self._loader.close()

    def matmul(self) -> dict[str, Any]:
        """The device's own product of matrices."""
        return {"tflops": flops.matmul_flops_per_second(self._device, self._dtype) / 1e12}

    def patches(self) -> dict[str, Any]:
        """The patch embedding of Qwen's tower as a convolution, and as the product that takes its place."""
        import torch

        from mcp_mmretrieval.models.hub.patches import PatchProduct

        kernel = (2, 16, 16)
        convolution = torch.nn.Conv3d(3, 1_024, kernel, stride=kernel)
        convolution = convolution.to(self._device, getattr(torch, self._dtype))
        given = torch.randn(self._size.patches, 3, *kernel, device=self._device).to(convolution.weight.dtype)
        found = {}

        def embed(layer: Any) -> None:
            """A card computes while Python goes on, so a number is waited for."""
            layer(given).flatten()[0].item()

        for name, layer in {"product": PatchProduct(convolution), "convolution": convolution}.items():
            with torch.inference_mode():
                embed(layer)
                found[f"{name}_ms"] = 1_000 * min(_seconds(partial(embed, layer)) for _ in range(3))
        return {"patches": self._size.patches, **found}

    def pages(self) -> dict[str, Any]:
        """Pages from their files to their vectors."""
        of = EMBEDDERS["vision-2b"]
        spec = EmbedderSpec(
            model=str(self._model(self._size.embedder, qwen.embedding_tiny)), sees=of.sees, pixels=of.pixels,
            query_prompt=of.query_prompt, document_prompt=of.document_prompt,
        )  # fmt: skip
        root = self._arguments.pages or self._made_pages()
        settings = self._settings.model_copy(update={"library": self._folder / "library", "roots": (root,)})
        with Library.open(settings=settings) as library:
            library.add().wait()
            documents = _documents(library._catalog, root)
            began = time.monotonic()
            embedder = self._embedder(spec)
            loading = time.monotonic() - began
            batcher = DocumentBatcher(library._catalog, library._shared.workers, settings.sound_s)
            list(batcher.gather(embedder, documents[:1], lambda: False))  # the first batch warms up
            notes = _Notes(self._settings.library)
            began, pages = time.perf_counter(), 0
            for one in chain.from_iterable(batcher.gather(embedder, documents[1:], lambda: False, self._late)):
                pages += len(one.vectors.get("picture", {}))
            seconds = time.perf_counter() - began
        seen = notes.of_pictures()
        busy = sum(one["ended"] - one["began"] for one in seen)
        flop = notes.flop_a_token() * sum(one["tokens"] for one in seen)
        return {
            "pages": pages, "pages_s": pages / seconds, "seconds": seconds, "loading_s": loading,
            "card_busy": busy / seconds, "gflop_a_page": flop / max(1, pages) / 1e9,
            "tflops": flop / seconds / 1e12, "of_matmul": flop / seconds / 1e12 / self.found["matmul"]["tflops"],
            "of_matmul_while_busy": flop / max(busy, 1e-9) / 1e12 / self.found["matmul"]["tflops"],
            "batches": sorted(one["rows"] for one in seen), "gpu_mb": max((one["gpu_mb"] for one in seen), default=0.0),
            "calls_at_once": embedder.calls_at_once,
        }  # fmt: skip

    def rerank(self) -> dict[str, Any]:
        """A question and candidates that are pages, as a search hands them over."""
        model = self._model(self._size.reranker, qwen.reranker_tiny)
        judge, made, took = self._loader.reranker(str(model)), Workloads(), list[float]()
        pages = [made.page(200_000 if self._arguments.tiny else 1_160_000) for _ in range(self._size.candidates)]
        judge.score(made.text(9), pages)
        while len(took) < self._size.queries and not self._late():
            took.append(_seconds(lambda: judge.score(made.text(9), pages)))
        cuts = statistics.quantiles(took, n=20, method="inclusive") if len(took) > 1 else [*took] * 19
        return {"candidates": len(pages), "queries": len(took), "p50_s": cuts[9], "p95_s": cuts[18]}

    def sound(self) -> dict[str, Any]:
        """Made sound of 30 s each."""
        if self._size.hearing:
            spec = replace(EMBEDDERS["omni"], model=str(self._model(self._size.hearing)), revision="")
        else:
            from tests.support.tiny import gemma

            spec = gemma.record(gemma.embedder(self._folder / "tiny-gemma"))
        embedder = self._embedder(spec)
        made = Workloads()
        lots = [[made.tone(embedder.hears) for _ in range(8)] for _ in range(self._size.sounds // 8)]
        embedder.embed_documents(lots[0])
        with ThreadPoolExecutor(embedder.calls_at_once) as pool:
            took = _seconds(lambda: list(pool.map(embedder.embed_documents, lots)))
        heard = sum(map(len, lots))
        return {"sounds": heard, "sounds_s": heard / took, "of_real_time": heard * embedder.hears / took}

    def _embedder(self, spec: EmbedderSpec) -> Embedder:
        """That of a record, in the place of the one before."""
        if self._maker:
            self._loader.release(self._maker)
        self._maker = recipe.recipe_of("measured", spec)
        return self._loader.embedder(self._maker)

    def _late(self) -> bool:
        return time.monotonic() > self._until

    def _model(self, architecture: str, tiny: Callable[[], design.Design] | None = None) -> Path:
        """A folder with a model of that architecture, or with the tiny one."""
        folder = self._folder / "weights"
        folder.mkdir(exist_ok=True)
        if architecture:
            return build_architecture(architecture, folder, self._device)
        assert tiny is not None
        design.save_design(tiny(), folder / tiny.__name__, "cpu")
        return folder / tiny.__name__

    def _made_pages(self) -> Path:
        folder = self._folder / "pages"
        folder.mkdir()
        for first in range(0, self._size.pages, self._size.pages_a_file):
            write_pdf(folder / f"{first:04}.pdf", self._size.pages_a_file, first)
        return folder


class _Notes:
    """What the model process noted from now on."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "forwards.jsonl"
        self._before = len(list(self._all()))

    def of_pictures(self) -> list[dict[str, Any]]:
        return [one for one in list(self._all())[self._before :] if one["pictures"]]

    def flop_a_token(self) -> float:
        """Of the first batch of pictures, whose operations were counted."""
        return next((one["flop"] / one["tokens"] for one in self._all() if "flop" in one and one["pictures"]), 0.0)

    def _all(self) -> Iterator[dict[str, Any]]:
        for line in self._file.read_text(encoding="utf-8").splitlines():
            yield {"rows": 0, "tokens": 0, "pictures": False, **json.loads(line)}


def _documents(catalog: Catalog, root: Path) -> list[str]:
    """Those of the files below that were read."""
    found = [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(root.rglob("*")) if file.is_file()]
    return [document for document in dict.fromkeys(found) if catalog.document(document)]


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=Path, help="a folder with files whose pages are added; made ones without it")
    parser.add_argument("--json", type=Path, default=Path("gpu.json"))
    parser.add_argument("--seconds", type=float, default=420, help="after which no further part is begun")
    parser.add_argument("--workers", type=int, default=4, help="parsers")
    parser.add_argument("--tiny", action="store_true", help="tiny models and a few pages, to see that it runs")
    arguments = parser.parse_args()
    arguments.pages = arguments.pages and arguments.pages.resolve()
    threads.set_thread_environment()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # the weights do not stay on the disk
    with tempfile.TemporaryDirectory(prefix="mcp-mmretrieval-") as made:
        Measurement(arguments, Path(made).resolve()).run()


if __name__ == "__main__":
    main()
