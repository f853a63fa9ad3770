"""The files of a message: which parts they are, what they are called, and the bytes that they have."""

from mcp_mmretrieval.media.compound import InnerFile
from mcp_mmretrieval.media.mail.attachments import alternative_texts, attached_files, is_decoration
from tests.media.mail.test_letter import letter
from tests.support.media_files import picture


def files(data: bytes) -> list[InnerFile]:
    return [each for each in attached_files(data) if isinstance(each, InnerFile)]


def test_bytes_are_those_that_were_sent_whatever_the_encoding() -> None:
    sent = bytes(range(256)) * 3
    for encoding in ("base64", "quoted-printable"):
        mail = letter()
        mail.add_attachment(sent, maintype="application", subtype="octet-stream", filename="a.bin", cte=encoding)
        (file,) = files(mail.as_bytes())
        assert (file.part, file.name, file.data()) == ("part=2", "a.bin", sent)
    binary = b"From: a\nContent-Type: application/x; name=a.bin\nContent-Transfer-Encoding: binary\n\n" + sent
    assert files(binary)[0].data() == sent


def test_what_the_message_says_is_no_file() -> None:
    mail = letter()
    mail.add_alternative("<p>The page.</p>", subtype="html")
    assert files(mail.as_bytes()) == []


def test_files_without_a_name_get_one_that_fits() -> None:
    mail = b"From: a\nContent-Type: multipart/mixed; boundary=x\n\n"
    for kind in ("text/calendar", "application/pdf"):
        mail += f"--x\nContent-Type: {kind}\n\nx\n".encode()
    mail += b"--x\nContent-Type: message/rfc822\nContent-Disposition: attachment\n\nFrom: b\n\nx\n--x--\n"
    assert [file.name for file in files(mail)] == ["part 1.ics", "part 2", "part 3.eml"]


def test_the_words_for_a_picture_are_found_by_its_id() -> None:
    page = '<img alt="A &amp; B" src="cid:a@b"><IMG SRC=cid:c@d><img src=\'http://x/y\' alt=no>'
    assert alternative_texts(page) == {"a@b": "A & B", "c@d": ""}


def test_a_rule_and_a_dot_decorate_and_a_picture_does_not() -> None:
    assert is_decoration(picture(size=(600, 2)))
    assert not is_decoration(picture(size=(60, 40)))
    assert not is_decoration(b"no picture")
