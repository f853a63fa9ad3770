"""Parts of messages: numbered as IMAP does, found where they stand, and named by the standards."""

from collections.abc import Iterator

import pytest

from mcp_mmretrieval.media.mail.mime import MimePart, decoded_header, message_at, parts_of


def leaves(source: str, part: MimePart) -> Iterator[tuple[str, str]]:
    """Number and words of each part that has none."""
    if part.is_multipart:
        for each in parts_of(source, part):
            yield from leaves(source, each)
    elif part.kind == "message/rfc822":
        yield from leaves(source, message_at(source, part.body, part.end, part.number, part.depth + 1))
    else:
        yield part.number, source[part.body : part.end].strip()


def numbered(source: str) -> list[tuple[str, str]]:
    return list(leaves(source, message_at(source, 0, len(source))))


def multipart(boundary: str, *parts: str, kind: str = "mixed") -> str:
    marked = "".join(f"--{boundary}\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={boundary}\n\n{marked}--{boundary}--\n"


def test_a_message_of_one_part_has_number_one() -> None:
    assert numbered("Subject: x\n\nWords.") == [("1", "Words.")]


def test_parts_within_parts_and_messages_are_numbered_as_in_rfc_3501() -> None:
    inner = "Subject: in\n" + multipart("i", "\nthree one", "\nthree two")
    single = "Content-Type: message/rfc822\n\nSubject: in\n\nfour one"
    source = "Subject: x\n" + multipart(
        "o",
        "\none",
        multipart("n", "\ntwo one", "\ntwo two"),
        f"Content-Type: message/rfc822\n\n{inner}",
        single,
    )
    assert numbered(source) == [
        ("1", "one"),
        ("2.1", "two one"),
        ("2.2", "two two"),
        ("3.1", "three one"),
        ("3.2", "three two"),
        ("4.1", "four one"),
    ]


def test_parts_of_a_digest_are_messages() -> None:
    source = multipart("d", "\nSubject: a\n\nfirst", "\nSubject: b\n\nsecond", kind="digest")
    assert numbered(source) == [("1.1", "first"), ("2.1", "second")]


@pytest.mark.parametrize(
    "parameter",
    [
        'filename="Pr=?utf-8?Q?=C3=BC?=fung.pdf"',
        "filename*=utf-8''Pr%C3%BCfung.pdf",
        "filename*0*=utf-8''Pr%C3%BC; filename*1=fung.pdf",
    ],
)
def test_names_are_decoded(parameter: str) -> None:
    source = f"Content-Disposition: attachment; {parameter}\n\nx"
    part = message_at(source, 0, len(source))
    assert part.name == "Prüfung.pdf"
    assert part.is_attached
    assert not part.is_words


def test_headers_are_unfolded_and_decoded() -> None:
    assert decoded_header("=?utf-8?q?a_b?=\n =?utf-8?b?w7w=?= c") == "a bü c"
    assert decoded_header("=?nonsense?q?a?= plain") == "a plain"
