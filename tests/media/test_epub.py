"""E-books: chapters in the order of reading, with headings, notes and pictures; what is locked or missing is said."""

import re

import pytest

from mcp_mmretrieval import media
from mcp_mmretrieval.config.limits import Limits
from mcp_mmretrieval.errors import UnreadableMedia
from mcp_mmretrieval.types import Place, SplitPart
from tests.media.test_zipped import packed
from tests.support.media_files import abouts, notes, parts, picture, source, title

LIMITS = Limits()
CONTAINER = (
    b"<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles>"
    b"<rootfile full-path='OEBPS/book.opf' media-type='application/oebps-package+xml'/></rootfiles></container>"
)
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/" version="3.0">
<metadata><dc:title>The Harbour</dc:title><dc:creator>Ann Oar</dc:creator><dc:date>2019-05-06</dc:date>
<dc:subject>Navigation</dc:subject><dc:description>&lt;p&gt;Of boats &amp;amp; tides.&lt;/p&gt;</dc:description>
<meta name="cover" content="cover"/></metadata>
<manifest>
<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>
<item id="cover" href="img/cover.png" media-type="image/png"/>
<item id="two" href="text/two%20b.xhtml" media-type="application/xhtml+xml"/>
<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/>
<item id="three" href="text/three.xhtml" media-type="application/xhtml+xml"/>
</manifest>
<spine toc="ncx"><itemref idref="one"/><itemref idref="two"/><itemref idref="three"/></spine></package>"""
NAV = """<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body>
<nav epub:type="landmarks"><ol><li><a href="text/one.xhtml">Start</a></li></ol></nav>
<nav epub:type="toc"><ol><li><span>Part A</span><ol><li><a href="text/one.xhtml#top">Casting off</a></li>
<li><a href="text/two%20b.xhtml">At <i>sea</i></a></li></ol></li></ol></nav></body></html>"""
NCX = """<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap><navPoint><navLabel><text>Part A</text></navLabel>
<content src="text/one.xhtml"/><navPoint><navLabel><text>At sea</text></navLabel><content src="text/two%20b.xhtml#x"/>
</navPoint></navPoint></navMap></ncx>"""
ONE = (
    "<html xmlns:epub='http://www.idpf.org/2007/ops'><head><title>x</title></head><body><h1>Casting off</h1>"
    "<p>The hawser.</p><script>unseen</script><p style='display:none'>invisible</p>"
    "<img src='../img/map%201.png' alt='Map of the bay'/><img src='../img/map%201.png'/>"
    "<aside epub:type='footnote' hidden='hidden'><p>A footnote on bollards.</p></aside></body></html>"
)
TWO = "<html><body><h2>Squall</h2><p>Reefing.</p><svg><image xlink:href='../img/sail.png'/></svg></body></html>"


def book(**changed: bytes | None) -> bytes:
    """A book; a change of None leaves a file out. `_` stands for what no name may hold."""
    files: dict[str, bytes] = {
        "mimetype": b"application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": PACKAGE.encode(),
        "OEBPS/nav.xhtml": NAV.encode(),
        "OEBPS/toc.ncx": NCX.encode(),
        "OEBPS/img/cover.png": picture(colour="blue"),
        "OEBPS/img/map 1.png": picture(),
        "OEBPS/img/sail.png": picture(colour="green"),
        "OEBPS/text/one.xhtml": ONE.encode(),
        "OEBPS/text/two b.xhtml": TWO.encode(),
        "OEBPS/text/three.xhtml": b"<html><body><p>Home again.</p></body></html>",
    }
    for name, data in changed.items():
        full = next((each for each in files if re.sub(r"\W", "_", each) == name), name)
        files.pop(full, None)
        if data is not None:
            files[full] = data
    return packed(files)


def split(data: bytes) -> list[SplitPart]:
    return parts(media.split(source(data, "book.epub"), LIMITS))


def test_chapters_come_in_the_order_of_reading_with_their_pictures() -> None:
    found = [part.segment for part in split(book())]
    assert [(re.sub("&char=.*", "", each.place.fragment), each.heading) for each in found] == [
        ("picture=1", "Cover"),
        ("chapter=1", "Part A > Casting off"),
        ("chapter=1&picture=1", "Part A > Casting off > Map of the bay"),
        ("chapter=2", "Part A > At sea > Squall"),
        ("chapter=2&picture=1", "Part A > At sea"),
        ("chapter=3", "Part A > At sea"),
    ]
    assert found[3].label == "At sea"


def test_what_is_cited_leads_back_to_the_words_of_the_page() -> None:
    data = book()
    for part in split(data):
        assert Place.parse(part.segment.place.fragment) == part.segment.place
        content = media.load(source(data, "book.epub"), part.segment, LIMITS)
        if part.segment.modality == "text":
            assert content == part.segment.text
    place = split(data)[1].segment.place
    assert ONE[place.first : place.last].startswith("Casting off")


def test_footnotes_are_read_and_hidden_words_are_said() -> None:
    steps = list(media.split(source(book(), "book.epub"), LIMITS))
    words = " ".join(part.segment.text for part in parts(steps))
    assert "A footnote on bollards." in words
    assert "unseen" not in words
    assert "invisible" not in words
    assert notes(steps) == ["What a reader cannot see was left out: words hidden in chapter 1."]


def test_what_the_book_says_of_itself() -> None:
    steps = list(media.split(source(book(), "book.epub"), LIMITS))
    about = next(each for each in abouts(steps) if each.title)
    assert title(steps) == "The Harbour"
    assert about.keywords == "Ann Oar\nNavigation\nOf boats & tides."
    assert about.dated == 1557100800.0


def test_books_of_the_second_edition_have_their_headings_from_the_ncx() -> None:
    package = PACKAGE.replace(' properties="nav"', "")
    found = [part.segment.heading for part in split(book(OEBPS_book_opf=package.encode()))]
    assert found[1] == "Part A > Casting off"
    assert found[3] == "Part A > At sea > Squall"


def encryption(algorithm: str, *names: str) -> bytes:
    locks = "".join(
        f"<e:EncryptedData><e:EncryptionMethod Algorithm='{algorithm}'/>"
        f"<e:CipherData><e:CipherReference URI='{name}'/></e:CipherData></e:EncryptedData>"
        for name in names
    )
    return f"<encryption xmlns:e='http://www.w3.org/2001/04/xmlenc#'>{locks}</encryption>".encode()


CHAPTERS = ("OEBPS/text/one.xhtml", "OEBPS/text/two%20b.xhtml", "OEBPS/text/three.xhtml")


def test_a_book_that_is_locked_is_said_to_be() -> None:
    data = book(**{"META-INF/encryption.xml": encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc", *CHAPTERS)})
    with pytest.raises(UnreadableMedia, match="DRM") as failure:
        split(data)
    assert failure.value.code == "encrypted"


def test_scrambled_fonts_lock_nothing_and_one_locked_chapter_no_other() -> None:
    fonts = encryption("http://www.idpf.org/2008/embedding", *CHAPTERS)
    assert len(split(book(**{"META-INF/encryption.xml": fonts}))) == 6
    steps = list(media.split(source(book(**{"META-INF/encryption.xml": encryption("x", CHAPTERS[1])})), LIMITS))
    assert "Chapter 2 is encrypted, and was not read." in notes(steps)
    assert "Home again." in " ".join(part.segment.text for part in parts(steps))


def test_what_is_missing_is_said_and_the_rest_is_read() -> None:
    steps = list(media.split(source(book(OEBPS_text_one_xhtml=None, OEBPS_img_sail_png=None), "b.epub"), LIMITS))
    assert notes(steps) == ["Files that the book names are missing in it: OEBPS/text/one.xhtml, OEBPS/img/sail.png."]
    assert "Reefing." in " ".join(part.segment.text for part in parts(steps))


def test_a_book_without_a_description_of_itself_is_refused() -> None:
    for changed in ({"OEBPS_book_opf": None}, {"META_INF_container_xml": b"no"}):
        with pytest.raises(UnreadableMedia) as failure:
            split(book(**changed))
        assert failure.value.code == "corrupt"


def test_nothing_is_taken_from_elsewhere() -> None:
    bomb = (
        "<!DOCTYPE package [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>"
        "<!ENTITY c SYSTEM 'file:///etc/passwd'>]>"
    )
    package = bomb + PACKAGE.replace("The Harbour", "&b;&c;Harbour")
    steps = list(media.split(source(book(OEBPS_book_opf=package.encode()), "b.epub"), LIMITS))
    assert title(steps) == "&b;&c;Harbour"
    chapter = ONE.replace("../img/map%201.png", "http://example.org/x.png").encode()
    assert len(split(book(OEBPS_text_one_xhtml=chapter))) == 5


def test_an_archive_of_another_kind_is_no_book() -> None:
    (part,) = split(packed({"a.txt": b"Words."}))
    assert part.segment.place.part == "member=a.txt"
