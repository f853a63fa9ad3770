"""PDFs, and recordings and films with what is written about and under them."""

from __future__ import annotations

from tests.every_corner.pictures import words_image
from tests.every_corner.planting import Planter
from tests.support.files import film, recording
from tests.support.media_files import illustrated_pdf, pdf, scanned_pdf


def plant_recordings(planter: Planter) -> None:
    for number in range(4):
        corners = planter.open(f"reports/report {number}.pdf")
        corners.write(
            pdf(
                [
                    f"The first page of the report by {corners['first page']}.",
                    "Nothing here.",
                    f"At last {corners['last page']} signs.",
                ]
            )
        )
    for number in range(3):
        corners = planter.open(f"reports/scan {number}.pdf")
        corners.write(scanned_pdf([corners.drawn("scanned page"), corners.drawn("second scanned page")]))
    corners = planter.open("reports/illustrated.pdf")
    words = f"A report with a chart, written by {corners['text']} in the summer of that year, on two pages."
    corners.write(illustrated_pdf([(words, [(words_image(corners.drawn("picture")), (100, 300, 500, 460))])]))
    for number in range(3):
        corners = planter.open(f"sound/song{number}.wav")
        recording(planter.folder / "sound.tmp", (440.0, 2.0))
        corners.write((planter.folder / "sound.tmp").read_bytes())
        lines = f"1\n00:00:00,000 --> 00:00:01,500\nThey sang of {corners['subtitle']}\n"
        (planter.folder / f"sound/song{number}.srt").write_text(lines, encoding="utf-8")
        corners = planter.open(f"films/film{number}.mp4")
        film(planter.folder / "film.tmp.mp4", ((200, 0, 0), 2.0))
        corners.write((planter.folder / "film.tmp.mp4").read_bytes())
        lines = f"WEBVTT\n\n00:00.000 --> 00:01.500\nThen came {corners['caption']}\n"
        (planter.folder / f"films/film{number}.vtt").write_text(lines, encoding="utf-8")
        (planter.folder / "film.tmp.mp4").unlink()
        (planter.folder / "sound.tmp").unlink()
