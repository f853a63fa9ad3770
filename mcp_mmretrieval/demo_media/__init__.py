"""The demo's media: a small ferry company's report, charts, photographs, recording, film and notes."""

from __future__ import annotations

from pathlib import Path

from mcp_mmretrieval.demo_media.charts import bar_chart, line_chart, pie_chart
from mcp_mmretrieval.demo_media.film import read_recording, write_film, write_sound
from mcp_mmretrieval.demo_media.photos import lighthouse_photo, mountains_photo
from mcp_mmretrieval.demo_media.report import write_report

MEETING_NOTES = """\
# Crew meeting, 4 April

## Café on board

From May the menu has fish soup, waffles and coffee from the roastery on the island. The vending machine goes.
Children under six get their waffle free.

## Shifts

Marit and Jonas swap weekends until June. Requests for summer leave are due by the twentieth.

## Lost and found

Two umbrellas, a violin, one red child's boot. The violin's owner has called and collects it on Friday.
"""


def make_media(folder: Path) -> None:
    """Write the report, three charts, two photographs, a spoken log, a short film and notes into the folder."""
    for name in ("charts", "photos"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_report(folder / "annual-report.pdf")
    bar_chart().save(folder / "charts" / "routes.png")
    line_chart().save(folder / "charts" / "diesel-price.png")
    pie_chart().save(folder / "charts" / "cost-of-a-crossing.png")
    lighthouse_photo().save(folder / "photos" / "lighthouse.jpg", quality=90)
    mountains_photo().save(folder / "photos" / "mountains.jpg", quality=90)
    write_sound(folder / "engine-log.wav", read_recording("engine-log.ogg"))
    write_film(folder / "safety-drill.mp4")
    (folder / "crew-meeting.md").write_text(MEETING_NOTES, encoding="utf-8")


def make_samples(folder: Path) -> dict[str, Path]:
    """Write one file of each kind; where they are, by what a person calls the kind."""
    folder.mkdir(parents=True, exist_ok=True)
    names = {"PDF": "report.pdf", "pictures": "chart.png", "sound": "log.wav", "film": "drill.mp4", "text": "notes.md"}
    samples = {kind: folder / name for kind, name in names.items()}
    write_report(samples["PDF"])
    bar_chart().save(samples["pictures"])
    write_sound(samples["sound"], read_recording("safety-drill.ogg"))
    write_film(samples["film"])
    samples["text"].write_text(MEETING_NOTES, encoding="utf-8")
    return samples


def make_another_photograph(path: Path) -> None:
    """Write the lighthouse on another evening, from farther along the shore: no copy of the one in the folder."""
    lighthouse_photo(seed=7, across=0.35, sun=0.75).save(path, quality=90)
