import io
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import av
import numpy as np
import pypdfium2  # type: ignore[import-untyped]
import pytest
from PIL import Image
from rich.console import Console

from mcp_mmretrieval.cli.demo import QUESTIONS, SNAPSHOT_FILE, Reply, reply_table
from mcp_mmretrieval.demo_media import make_another_photograph, make_media
from mcp_mmretrieval.demo_media.film import SAFETY_DRILL_SCENES, SCENE_SECONDS, read_recording


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    make_media(folder)
    return folder


def test_each_question_is_answered_by_a_file_that_is_made(media: Path) -> None:
    for question in QUESTIONS:
        assert (media / question.answer.partition("#")[0]).is_file()
        assert not (media / SNAPSHOT_FILE).exists()


def test_the_questions_aim_at_every_kind_of_file() -> None:
    suffixes = {Path(question.answer.partition("#")[0]).suffix for question in QUESTIONS}
    assert suffixes == {".pdf", ".png", ".wav", ".mp4", ".md", ".jpg"}


def test_the_report_has_three_pages_with_a_text_layer(media: Path) -> None:
    with pypdfium2.PdfDocument(media / "annual-report.pdf") as report:
        texts = [page.get_textpage().get_text_range() for page in report]
        drawn = np.asarray(report[1].render(scale=0.5).to_pil())
    assert len(texts) == 3
    assert "Sixty-one people work for us" in texts[0]
    assert "Passengers by month" in texts[1]
    assert "most common reason was fog" in texts[2]
    assert drawn.std() > 20


def test_charts_and_photographs_are_pictures_of_some_size(media: Path) -> None:
    pictures = sorted([*media.glob("charts/*"), *media.glob("photos/*")])
    assert len(pictures) == 5
    for path in pictures:
        with Image.open(path) as picture:
            picture.load()
            assert min(picture.size) >= 600


def test_the_log_is_spoken_for_some_twenty_five_seconds(media: Path) -> None:
    with wave.open(str(media / "engine-log.wav")) as sound:
        assert 24 < sound.getnframes() / sound.getframerate() < 27
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert np.abs(samples).max() > 8_000


def test_the_film_has_a_scene_for_each_title_and_a_voice(media: Path) -> None:
    seconds = SCENE_SECONDS * len(SAFETY_DRILL_SCENES)
    with av.open(str(media / "safety-drill.mp4")) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(frames) == 12 * seconds
    assert all(np.abs(a.astype(int) - b).mean() > 20 for a, b in zip(frames[24::96], frames[72::96], strict=False))
    with av.open(str(media / "safety-drill.mp4")) as film:
        heard = sum(frame.samples / frame.sample_rate for frame in film.decode(audio=0))
    assert heard == pytest.approx(seconds, abs=0.2)


def test_the_recordings_are_small_and_as_long_as_the_film(media: Path) -> None:
    data = Path(sys.modules["mcp_mmretrieval.demo_media"].__path__[0]) / "data"
    assert sum(path.stat().st_size for path in data.iterdir()) < 120_000
    assert len(read_recording("safety-drill.ogg")) / 16_000 == pytest.approx(12, abs=0.1)


def test_the_picture_to_ask_with_is_no_copy(media: Path, tmp_path: Path) -> None:
    make_another_photograph(tmp_path / SNAPSHOT_FILE)
    with Image.open(tmp_path / SNAPSHOT_FILE) as asked, Image.open(media / "photos" / "lighthouse.jpg") as held:
        assert asked.size == held.size
        assert np.abs(np.asarray(asked, int) - np.asarray(held, int)).mean() > 10


def test_what_was_missed_or_refused_is_shown_as_such() -> None:
    late: Any = [{"citation": name, "modality": "image", "lanes": ["words"]} for name in ("a.png", QUESTIONS[1].answer)]
    replies = [Reply(QUESTIONS[0], [], 0.1, "The models are missing."), Reply(QUESTIONS[1], late, 0.1)]
    assert [reply.rank for reply in replies] == [None, 2]
    out = Console(width=120, record=True, file=io.StringIO())
    out.print(reply_table(replies))
    shown = out.export_text()
    for text in ("✗ The models are missing.", "not among the first 3", "which is number 2", "✗ image"):
        assert text in shown


@pytest.mark.builtin
def test_the_demo_finds_every_answer(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.jpg"
    command = [sys.executable, "-m", "mcp_mmretrieval", "demo", "--sheet", str(sheet)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(QUESTIONS)} of {len(QUESTIONS)} questions" in done.stdout
    assert '"mcpServers"' in done.stdout
    with Image.open(sheet) as picture:
        assert picture.format == "JPEG"
        picture.load()
