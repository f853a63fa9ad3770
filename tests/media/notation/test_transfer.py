"""Mail's transfer encodings, and where each letter stands."""

import base64
import quopri

import pytest

from mcp_mmretrieval.media.notation.source_map import MapBuilder
from mcp_mmretrieval.media.notation.transfer import put_decoded


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "windows-1250", "iso-2022-jp", "gb2312", ""])
@pytest.mark.parametrize("transfer", ["base64", "quoted-printable"])
def test_letters_are_decoded_and_lead_to_their_source(transfer: str, charset: str) -> None:
    words = {"iso-2022-jp": "花火大会 at 5", "gb2312": "图书馆 at 5", "windows-1250": "Święta, łódź"}.get(
        charset, "Grüße = café " * 9
    )
    data = words.encode(charset or "utf-8")
    encoded = base64.encodebytes(data) if transfer == "base64" else quopri.encodestring(data)
    source = "head\n" + encoded.decode("ascii") + "tail"
    out = MapBuilder(source)
    put_decoded(out, source, 5, len(source) - 4, transfer=transfer, charset=charset)
    mapped = out.mapped()
    assert mapped.text.rstrip() == words.rstrip()
    for first in range(0, len(words) - 5, 3):
        assert mapped.range_of(*mapped.source_of(first, first + 4)) == (first, first + 4)


def test_what_is_not_encoded_stays_and_what_is_damaged_is_read_as_well_as_may_be() -> None:
    for transfer, source, read in (
        ("8bit", "as = it is", "as = it is"),
        ("quoted-printable", "50 = 50 =\nü =ZZ", "50 = 50 ü =ZZ"),
        ("base64", "R3LDvA", "Grü"),
        ("base64", "", ""),
        ("base64", "R", ""),
    ):
        out = MapBuilder(source)
        put_decoded(out, source, 0, len(source), transfer=transfer, charset="utf-8")
        assert out.mapped().text == read
