import os
from pathlib import Path

from mcp_mmretrieval.server.browse.recordings import MAX_OPEN, OpenRecordings


def opened(folder: Path, name: str = "a.mp3") -> int:
    (folder / name).write_bytes(name.encode())
    return os.open(folder / name, os.O_RDONLY)


def test_a_ticket_gives_the_file_that_was_opened_and_no_other(tmp_path: Path) -> None:
    recordings = OpenRecordings()
    tickets = [recordings.add(opened(tmp_path, f"{number}.mp3"), "audio/mpeg") for number in range(3)]
    assert len(set(tickets)) == 3
    with recordings.opened(tickets[1]) as playing:
        assert playing and os.pread(playing.fd, 9, 0) == b"1.mp3"
    for wrong in ("", tickets[0][:-1], "../0.mp3", str(tmp_path / "0.mp3")):
        with recordings.opened(wrong) as playing:
            assert playing is None
    recordings.close()


def test_a_file_that_changed_since_is_not_played(tmp_path: Path) -> None:
    recordings = OpenRecordings()
    ticket = recordings.add(opened(tmp_path), "audio/mpeg")
    (tmp_path / "a.mp3").write_bytes(b"something else")
    with recordings.opened(ticket) as playing:
        assert playing is None
    recordings.close()


def test_who_still_reads_goes_on_when_a_recording_makes_room(tmp_path: Path) -> None:
    recordings = OpenRecordings()
    first = recordings.add(opened(tmp_path), "audio/mpeg")
    with recordings.opened(first) as playing:
        assert playing
        for number in range(MAX_OPEN):
            recordings.add(opened(tmp_path, f"{number}.mp3"), "audio/mpeg")
        assert os.pread(playing.fd, 9, 0) == b"a.mp3"
    with recordings.opened(first) as gone:
        assert gone is None
    recordings.close()


def test_what_was_played_last_stays_open(tmp_path: Path) -> None:
    recordings = OpenRecordings()
    tickets = [recordings.add(opened(tmp_path, f"{number}.mp3"), "audio/mpeg") for number in range(MAX_OPEN)]
    with recordings.opened(tickets[0]) as playing:
        assert playing
    recordings.add(opened(tmp_path, "another.mp3"), "audio/mpeg")
    for ticket, there in ((tickets[0], True), (tickets[1], False), (tickets[2], True)):
        with recordings.opened(ticket) as playing:
            assert (playing is not None) == there
    recordings.close()


def test_all_are_closed_in_the_end(tmp_path: Path) -> None:
    fd = opened(tmp_path)
    recordings = OpenRecordings()
    recordings.add(fd, "audio/mpeg")
    recordings.close()
    with (tmp_path / "b").open("wb") as other:  # takes the lowest free number
        assert other.fileno() <= fd
