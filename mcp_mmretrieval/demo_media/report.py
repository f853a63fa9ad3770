"""The demo's annual report: three pages of text, bars and tables, written as PDF by hand, with no library."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

RgbColour = tuple[float, float, float]
"""Red, green and blue in [0, 1]."""

PAGE_WIDTH_PT, PAGE_HEIGHT_PT, PAGE_MARGIN_PT = 595, 842, 64
"""A4 in points."""

NAVY_RGB, TEAL_RGB, GREY_RGB, PALE_RGB, BLACK_RGB = (
    (0.07, 0.21, 0.36),
    (0.11, 0.60, 0.55),
    (0.42, 0.47, 0.52),
    (0.93, 0.95, 0.97),
    (0.13, 0.15, 0.18),
)

MONTHLY_PASSENGERS = (11.8, 12.4, 16.9, 24.3, 33.1, 41.7, 48.2, 46.5, 34.0, 22.6, 14.1, 15.9)
"""Thousands a month, January first."""

LETTER_PARAGRAPHS = (
    "Northern Star Ferries carried 321,500 passengers in 2025, six percent more than the year before. Revenue rose to "
    "4.2 million euros, and for the first time since the new pier was built the company has no debt.",
    "Sixty-one people work for us, nine of them apprentices. Together they kept two ships and four routes running on "
    "352 days of the year. The members' assembly in March elected Ingrid Solberg to the board.",
    "In the coming year we replace the older of our two ships. The new one has batteries for the short crossing to the "
    "lighthouse and needs no diesel there. The yard delivers it in October.",
)
KEY_FIGURES = (("321,500", "passengers"), ("4.2 million", "euros of revenue"), ("352", "days of service"))
SEASON_PARAGRAPHS = (
    "July was the busiest month with 48,200 passengers; on the second Saturday every departure to the island was sold "
    "out. January was the quietest. In winter a boat was on average 31 percent full, in summer 84 percent.",
    "Visitors who stay overnight on the island travel earlier in the year than day guests: the weeks before midsummer "
    "grew by eleven percent. We therefore start the summer timetable two weeks earlier, on the first of May.",
)
PUNCTUALITY_PARAGRAPHS = (
    "Of 7,480 planned departures 94 percent left within five minutes of the timetable. 86 departures were cancelled. "
    "The most common reason was fog in the narrow entrance of the harbour, followed by storms in November.",
    "A second radar on the pier, paid for by the port authority, shall halve the cancellations caused by fog.",
)
CANCELLATIONS = (("Fog", "41"), ("Storm", "27"), ("Technical defect", "12"), ("Crew ill", "6"))


class ReportPage:
    """One page being drawn; `y` counts from the top, where the next thing goes."""

    def __init__(self, title: str, number: int) -> None:
        self.operators: list[str] = []
        self.y = 0.0
        self.box(0, 0, PAGE_WIDTH_PT, 12, NAVY_RGB)
        self.words(PAGE_MARGIN_PT, 48, "Northern Star Ferries", size=9, colour=GREY_RGB)
        self.words(PAGE_WIDTH_PT - PAGE_MARGIN_PT - 85, 48, "Annual report 2025", size=9, colour=GREY_RGB)
        self.words(PAGE_MARGIN_PT, 96, title, size=22, bold=True, colour=NAVY_RGB)
        self.words(PAGE_WIDTH_PT / 2 - 3, PAGE_HEIGHT_PT - 36, str(number), size=9, colour=GREY_RGB)
        self.y = 132

    def words(
        self, x: float, y: float, text: str, *, size: float = 11, bold: bool = False, colour: RgbColour = BLACK_RGB
    ) -> None:
        """A line of text; `y` is its baseline."""
        safe = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        red, green, blue = colour
        self.operators.append(
            f"BT /{'B' if bold else 'R'} {size} Tf {red} {green} {blue} rg "
            f"{x:.1f} {PAGE_HEIGHT_PT - y:.1f} Td ({safe}) Tj ET"
        )

    def box(self, x: float, y: float, width: float, height: float, colour: RgbColour) -> None:
        """A filled rectangle, its corner at the upper left."""
        red, green, blue = colour
        corner = f"{x:.1f} {PAGE_HEIGHT_PT - y - height:.1f} {width:.1f} {height:.1f}"
        self.operators.append(f"{red} {green} {blue} rg {corner} re f")

    def paragraphs(self, texts: Sequence[str]) -> None:
        """Running text, with some room after each paragraph."""
        for text in texts:
            for line in wrap(text, 90):
                self.words(PAGE_MARGIN_PT, self.y, line)
                self.y += 16
            self.y += 10

    def heading(self, text: str) -> None:
        """A heading above a chart or table."""
        self.y += 14
        self.words(PAGE_MARGIN_PT, self.y, text, size=13, bold=True, colour=NAVY_RGB)
        self.y += 20

    def figures(self, figures: Sequence[tuple[str, str]]) -> None:
        """Key figures side by side, each with what it counts."""
        self.y += 10
        step = (PAGE_WIDTH_PT - 2 * PAGE_MARGIN_PT + 14) / len(figures)
        for index, (figure, name) in enumerate(figures):
            x = PAGE_MARGIN_PT + step * index
            self.box(x, self.y, step - 14, 76, PALE_RGB)
            self.words(x + 14, self.y + 38, figure, size=22, bold=True, colour=TEAL_RGB)
            self.words(x + 14, self.y + 58, name, size=9, colour=GREY_RGB)
        self.y += 96

    def bars(self, values: Sequence[float], names: Sequence[str], *, height: float = 220) -> None:
        """A bar chart, the value above each bar."""
        step = (PAGE_WIDTH_PT - 2 * PAGE_MARGIN_PT) / len(values)
        self.box(PAGE_MARGIN_PT, self.y, PAGE_WIDTH_PT - 2 * PAGE_MARGIN_PT, height + 26, PALE_RGB)
        floor = self.y + height
        for index, (value, name) in enumerate(zip(values, names, strict=True)):
            x, tall = PAGE_MARGIN_PT + step * index, (height - 40) * value / max(values)
            self.box(x + step * 0.18, floor - tall, step * 0.64, tall, TEAL_RGB if value == max(values) else NAVY_RGB)
            self.words(x + step * 0.22, floor - tall - 6, f"{value:.1f}", size=8, colour=GREY_RGB)
            self.words(x + step * 0.24, floor + 14, name, size=9)
        self.y += height + 46

    def table(self, rows: Sequence[tuple[str, str]], *, head: tuple[str, str]) -> None:
        """Two columns, every other row shaded."""
        self.y += 10
        for index, (left, right) in enumerate((head, *rows)):
            if index % 2 == 0:
                self.box(PAGE_MARGIN_PT, self.y - 16, 300, 24, PALE_RGB)
            self.words(PAGE_MARGIN_PT + 10, self.y, left, bold=index == 0)
            self.words(PAGE_MARGIN_PT + 220, self.y, right, bold=index == 0)
            self.y += 24
        self.y += 12


def _pages() -> list[ReportPage]:
    letter = ReportPage("To our members", 1)
    letter.paragraphs(LETTER_PARAGRAPHS)
    letter.figures(KEY_FIGURES)
    season = ReportPage("The season", 2)
    season.paragraphs(SEASON_PARAGRAPHS)
    season.heading("Passengers by month, in thousands")
    season.bars(
        MONTHLY_PASSENGERS, ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    )
    punctuality = ReportPage("Punctuality", 3)
    punctuality.paragraphs(PUNCTUALITY_PARAGRAPHS)
    punctuality.heading("Cancelled departures by reason")
    punctuality.table(CANCELLATIONS, head=("Reason", "Departures"))
    return [letter, season, punctuality]


def write_report(path: Path) -> None:
    """Write the report: a catalog, the tree of pages, two fonts that every viewer has, then a page and its drawing."""
    pages = _pages()
    kids = " ".join(f"{5 + 2 * index} 0 R" for index in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
    ]
    for index, page in enumerate(pages):
        fonts = "<< /Font << /R 3 0 R /B 4 0 R >> >>"
        box = f"/MediaBox [0 0 {PAGE_WIDTH_PT} {PAGE_HEIGHT_PT}] /Resources {fonts} /Contents {6 + 2 * index} 0 R"
        objects.append(f"<< /Type /Page /Parent 2 0 R {box} >>".encode())
        drawing = "\n".join(page.operators).encode("cp1252")
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawing), drawing))
    path.write_bytes(_file(objects))


def _file(objects: Sequence[bytes]) -> bytes:
    """The objects numbered from 1, the table of where each begins, and the trailer (ISO 32000-1, 7.5)."""
    body = bytearray(b"%PDF-1.4\n")
    starts = []
    for number, content in enumerate(objects, start=1):
        starts.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % start for start in starts)
    where, count = len(body), len(objects) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n%b" % (count, table)
    body += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, where)
    return bytes(body)
