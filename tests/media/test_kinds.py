"""The table of kinds: asked in order, by bytes, and imported only where files are read."""

import importlib
import subprocess
import sys

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import audio, image, pdf, text, video
from mcp_mmretrieval.types import About, Modality
from tests.media.making import half_red_half_blue, parts, picture, saved, source, svg
from tests.media.making import pdf as made_pdf

MODULES: list[media.Kind] = [pdf, image, video, audio, text]  # the type checker sees that each is one

SAMPLES: dict[str, tuple[bytes, Modality]] = {
    "pdf": (made_pdf(["Some words on a page."]), "page"),
    "png": (picture(), "image"),
    "gif": (picture("GIF"), "image"),
    "animation": (saved(half_red_half_blue(), "GIF", save_all=True, append_images=[half_red_half_blue()]), "image"),
    "avif": (picture("AVIF"), "image"),
    "svg": (svg("<rect/>"), "image"),
    "html": (b"<html><body>Words <svg></svg></body></html>", "text"),
    "xml": (b"<?xml version='1.0'?><note>svg</note>", "text"),
    "playlist": (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "text"),
    "concat": (b"ffconcat version 1.0\nfile /etc/passwd\n", "text"),
    "markdown": (b"# Title\n\nWords.", "text"),
}


def test_the_table_names_modules_that_are_there() -> None:
    named = [importlib.import_module(f"mcp_mmretrieval.media.{name}") for name in media.KINDS.values()]
    assert named == MODULES


@pytest.mark.parametrize("name", SAMPLES)
def test_what_a_file_is_its_bytes_say_whatever_its_name(name: str) -> None:
    data, modality = SAMPLES[name]
    for called in ("file", "file.mp4", "file.pdf", "file.png"):
        steps = list(media.split(source(data, called), Limits()))
        assert steps[0] == About(modality=modality)
        assert parts(steps)


def test_loading_asks_the_kind_that_split_the_file() -> None:
    for name in ("pdf", "png", "svg", "markdown"):
        opened = source(SAMPLES[name][0])
        for part in parts(media.split(opened, Limits())):
            assert media.load(opened, part.segment, Limits(side=64)) is not None


def test_junk_of_every_length_is_of_no_kind() -> None:
    for length in (1, 2, 3, 11, 12, 13, 100, 5000):
        with pytest.raises(UnreadableMedia) as failure:
            list(media.split(source(bytes(length)), Limits()))
        assert failure.value.code == "unsupported_type"


def test_importing_the_package_imports_no_decoder() -> None:
    check = "import sys, mcp_mmretrieval.media, mcp_mmretrieval.adding.walk; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout.split()
    assert not {"PIL", "av", "pypdfium2", "resvg_py", "numpy", "charset_normalizer", "torch"} & set(loaded)
