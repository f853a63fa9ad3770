"""ZIP containers: bounded, and each failure one of the file."""

import io
import zipfile

import pytest

from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media import zipped
from mcp_mmretrieval.media.zipped import ZipContainer, is_zip


def packed(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def opened(data: bytes) -> ZipContainer:
    return ZipContainer(io.BytesIO(data))


def test_its_files_are_read_by_name_and_folders_are_none() -> None:
    container = opened(packed({"a/": b"", "a/one.txt": b"one", "two.txt": b"two"}))
    assert container.names == ["a/one.txt", "two.txt"]
    assert "two.txt" in container
    assert container.size("a/one.txt") == 3
    assert container.read("a/one.txt") == b"one"


def test_what_it_is_its_first_bytes_say() -> None:
    assert is_zip(io.BytesIO(packed({"a": b""})))
    assert is_zip(io.BytesIO(packed({})))
    assert not is_zip(io.BytesIO(b"PK is how it begins"))


@pytest.mark.parametrize("bound", ["MAX_MEMBERS", "MAX_UNPACKED_BYTES"])
def test_too_many_files_and_too_many_bytes_are_refused(bound: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, bound, 1)
    with pytest.raises(UnreadableMedia) as failure:
        opened(packed({"a": b"1", "b": b"2"}))
    assert failure.value.code == "too_large"


def test_a_file_that_unpacks_to_far_more_than_it_is_packed_is_a_bomb(monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed({"zeros": bytes(3_000_000) + b"an end"})
    opened(data)
    monkeypatch.setattr(zipped, "HARMLESS_BYTES", 1_000)
    with pytest.raises(UnreadableMedia, match="unpack") as failure:
        opened(data)
    assert failure.value.code == "too_large"


def test_a_damaged_container_and_a_damaged_file_in_it_are_told() -> None:
    whole = packed({"a": b"some words" * 9}, zipfile.ZIP_STORED)
    with pytest.raises(UnreadableMedia, match="damaged"):
        opened(whole[:40])
    with pytest.raises(UnreadableMedia, match="a is damaged"):
        opened(whole.replace(b"words", b"wards", 1)).read("a")
    with pytest.raises(UnreadableMedia, match="b is missing"):
        opened(whole).read("b")
