"""Office files of before 2007, and those with a password: each says what it is and what to do."""

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.media.office import legacy
from tests.media.office.test_ole import container
from tests.support.media_files import source


def failure(data: bytes, name: str) -> UnreadableMedia:
    with pytest.raises(UnreadableMedia) as raised:
        list(media.split(source(data, name), Limits()))
    return raised.value


@pytest.mark.parametrize(
    ("stream", "says"),
    [
        ("WordDocument", "this is a Word document of before 2007 (.doc), which cannot be read. Save it as .docx,"),
        (
            "PowerPoint Document",
            "this is a PowerPoint presentation of before 2007 (.ppt), which cannot be read. ",
        ),
        ("Other", "this is an OLE container of another program, which cannot be read."),
    ],
)
def test_what_cannot_be_read_says_what_it_is_and_what_to_do(stream: str, says: str) -> None:
    told = failure(container({stream: b"words"}), "old.bin")
    assert told.code == "unsupported_type"
    assert str(told).startswith(f"old.bin: {says}")


def test_an_office_file_with_a_password_says_so() -> None:
    told = failure(container({"EncryptedPackage": b"x", "EncryptionInfo": b"y"}), "plan.docx")
    assert told.code == "encrypted"
    assert str(told) == "plan.docx: this Office file wants a password. Save it without one, then add it again."


def test_a_damaged_container_is_the_files_fault() -> None:
    assert failure(container({"WordDocument": b"words"})[:600], "old.doc").code == "corrupt"


def test_it_is_known_by_its_bytes() -> None:
    assert legacy.recognises(source(container({"x": b""})))
    assert not legacy.recognises(source(b"\xd0\xcf\x11"))
