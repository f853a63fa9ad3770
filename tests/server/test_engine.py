"""One engine for all: real fronts and a real engine, over a real library with models that one can work out by hand."""

import fcntl
import json
import os
import select
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcp_mmretrieval import __version__
from mcp_mmretrieval.cli.session import open_recording
from mcp_mmretrieval.errors import EngineUnavailable
from mcp_mmretrieval.front.endpoint import Endpoint
from mcp_mmretrieval.front.reaching import ask_engine, connect_to_engine, hello, launch_engine
from tests.support import recordings
from tests.support.engines import ENGINE, Front, ToolFailed, alive, ended_engine, until
from tests.support.files import picture


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "red.txt").write_text("red red red")
    (folder / "blue.txt").write_text("blue blue blue")
    return folder


@pytest.fixture
def library(tmp_path: Path) -> Path:
    return tmp_path / "library"


@pytest.fixture
def endpoint(library: Path) -> Iterator[Endpoint]:
    with ended_engine(library) as endpoint:
        yield endpoint


# -- one engine -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stateless", [False, True], ids=["handshake", "stateless"])
def test_a_client_of_either_era_adds_and_finds(endpoint: Endpoint, library: Path, files: Path, stateless: bool) -> None:
    with Front(library, files, stateless=stateless) as front:
        assert len(front.tools()) == 7
        assert front.call("add_documents")["added"] == 2
        assert front.paths("red")[0] == "red.txt"


def test_ten_fronts_of_the_same_instant_make_one_engine(endpoint: Endpoint, library: Path, files: Path) -> None:
    with ThreadPoolExecutor(10) as pool:
        fronts = list(pool.map(lambda _: Front(library, files), range(10)))
        engines = set(pool.map(lambda front: front.engine(), fronts))
        assert len(engines) == 1
        assert list(pool.map(Front.close, fronts)) == [0] * 10


def test_the_engine_outlives_the_front_that_started_it_and_ends_when_nobody_needs_it(
    endpoint: Endpoint, library: Path, files: Path
) -> None:
    first = Front(library, files)
    engine = first.engine()
    with Front(library, files) as second:
        first.kill()
        first.close()
        assert second.engine() == engine
    until(lambda: not alive(engine))
    until(lambda: not endpoint.held(), 2)
    assert not Path(endpoint.socket_path).exists()
    assert endpoint.state() == {}


def test_the_engine_sees_the_machine_and_nothing_of_the_client(endpoint: Endpoint, library: Path, files: Path) -> None:
    with Front(library, files, CLIENT_SECRET="abc", HF_HOME="/models", MMRETRIEVAL_HTTP_TOKEN="s" * 20) as front:
        engine = front.engine()
        seen = Path(f"/proc/{engine}/environ").read_bytes().split(b"\0")
        assert b"HF_HOME=/models" in seen
        assert not [line for line in seen if line.startswith((b"CLIENT_SECRET", b"MMRETRIEVAL_"))]
        assert os.getsid(engine) == engine
        assert Path(f"/proc/{engine}/cwd").readlink() == Path("/")
        command = Path(f"/proc/{engine}/cmdline").read_bytes()
        assert b"sssss" not in command


def test_the_state_file_and_the_log_are_the_persons_alone(endpoint: Endpoint, library: Path, files: Path) -> None:
    with Front(library, files) as front:
        engine = front.engine()
        state = endpoint.state()
        assert (state["pid"], state["version"], state["address"]) == (engine, __version__, endpoint.socket_path)
        log = Path(str(state["log"]))
        assert log == library / "engine.log"
        assert log.read_text().count(f"pid {engine}") == 1
        for path in (endpoint.state_path, endpoint.socket_path, endpoint.lock_path, log):
            assert stat.S_IMODE(Path(path).lstat().st_mode) == 0o600
        assert stat.S_IMODE(Path(endpoint.state_path).parent.stat().st_mode) == 0o700
        assert str(log) in front.call("status")["engine"]


# -- watching ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def other(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


def test_each_client_that_asks_for_it_has_its_own_roots_watched_while_it_is_there(
    endpoint: Endpoint, library: Path, files: Path, other: Path
) -> None:
    with Front(library, files, arguments=("--watch",)) as first, Front(library, other) as second:
        until(lambda: first.paths("red") == ["red.txt"])  # nobody asked for it to be added
        (files / "new.txt").write_text("a violin audition")
        until(lambda: first.paths("violin")[:1] == ["new.txt"])
        (other / "more.txt").write_text("another violin")
        assert second.call("status")["watching"].startswith("off")
        assert f"{files}: watched" in first.call("status")["watching"]
        with Front(library, other, arguments=("--watch",)) as third:
            until(lambda: third.paths("violin")[:1] == ["more.txt"])
            assert f"{other}: watched" in second.call("status")["watching"]
        until(lambda: second.call("status")["watching"].startswith("off"))
        assert "more.txt" not in first.paths("violin")
        assert "problems" not in first.call("status")


def test_a_command_of_the_terminal_has_nothing_watched(endpoint: Endpoint, library: Path, files: Path) -> None:
    given: dict[str, object] = {"library": str(library), "roots": str(files), "watch": True, "workers": 1}
    connection, _ = connect_to_engine(endpoint, hello(given, kind="command"), engine=ENGINE)
    with connection, Front(library, files) as front:
        assert front.call("status")["watching"].startswith("off")


def test_an_engine_that_watched_leaves_when_nobody_needs_it(endpoint: Endpoint, library: Path, files: Path) -> None:
    with Front(library, files, MMRETRIEVAL_WATCH="1") as front:
        engine = front.engine()
        until(lambda: "looked through" in front.call("status")["watching"])
    until(lambda: not alive(engine))


def test_a_server_on_its_own_watches_too(library: Path, files: Path) -> None:
    with Front(library, files, arguments=("--solo", "--watch")) as front:
        until(lambda: front.paths("red") == ["red.txt"])
        (files / "new.txt").write_text("a violin audition")
        until(lambda: front.paths("violin")[:1] == ["new.txt"])


def test_a_client_that_only_reads_has_nothing_added_and_is_told(endpoint: Endpoint, library: Path, files: Path) -> None:
    with Front(library, files, arguments=("--watch", "--read-only")) as front:
        status = front.call("status")
        assert status["watching"].startswith("off")
        assert any("--read-only" in problem for problem in status["problems"])


# -- an engine that dies ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stateless", [False, True], ids=["handshake", "stateless"])
def test_a_killed_engine_is_started_again_and_knows_what_was_added(
    endpoint: Endpoint, library: Path, files: Path, stateless: bool
) -> None:
    with Front(library, files, stateless=stateless) as front:
        front.call("add_documents")
        engine = front.engine()
        os.kill(engine, signal.SIGKILL)
        until(lambda: not alive(engine))
        assert front.engine() != engine
        assert front.paths("red")[0] == "red.txt"


def test_a_stale_socket_and_state_file_are_no_obstacle(endpoint: Endpoint, library: Path, files: Path) -> None:
    with Front(library, files) as front:
        first = front.engine()
    os.kill(first, signal.SIGKILL)
    until(lambda: not alive(first))
    assert Path(endpoint.socket_path).exists()
    Path(endpoint.state_path).write_text("{ not JSON")
    with Front(library, files) as front:
        assert front.engine() != first
        assert endpoint.state()["pid"] == front.engine()


# -- a device that is lost --------------------------------------------------------------------------------------------


@pytest.mark.builtin
@pytest.mark.parametrize("losses", [1, 99])
def test_a_device_that_is_lost_costs_its_process_alone_and_lost_again_it_is_left_alone(
    endpoint: Endpoint, library: Path, files: Path, losses: int
) -> None:
    for number in range(3):
        picture(files / f"{number}.png", (255, number, 0))
    module, idle = "tests.support.crash_gpu", "60"
    with Front(library, files, module=module, MMRETRIEVAL_ENGINE_IDLE_S=idle, MMRETRIEVAL_PROFILE="clip") as front:
        front.call("list_documents")
        first = front.engine()
        (library.parent / "lose").write_text(str(losses))
        answer = front.call("add_documents")
        assert (answer["state"], answer["failed"]) == ("done", [])
        until(lambda: front.call("status")["pending_vectors"] == 0, 120)
        assert front.engine() == first
        assert front.call("list_documents")["total"] == 5
        assert front.paths("blue")[0] == "blue.txt"
        noted = json.loads((library / "losses.json").read_text())
        problems = " ".join(front.call("status").get("problems", []))
        if losses == 1:
            assert (len(noted), problems) == (1, "")
        else:
            assert len(noted) == 2
            assert "lost 2 times within an hour and is left alone until" in problems


# -- versions and settings --------------------------------------------------------------------------------------------


def test_an_engine_leaves_for_a_newer_version_and_its_clients_go_on(
    endpoint: Endpoint, library: Path, files: Path
) -> None:
    with Front(library, files) as front:
        front.call("add_documents")
        engine = front.engine()
        connection, _ = connect_to_engine(
            endpoint, hello({}) | {"version": "999.0"}, engine=(sys.executable, "-c", NEWER)
        )
        with connection:
            until(lambda: not alive(engine))
        assert front.paths("red")[0] == "red.txt"


NEWER = """
import json, socket, sys
listening = socket.socket(fileno=int(sys.argv[5]))
client, _ = listening.accept()
client.recv(65536)
client.sendall(b'{"ok": true}\\n')
client.recv(1)
"""


def test_a_client_that_asks_for_other_settings_is_told_the_difference(
    endpoint: Endpoint, library: Path, files: Path
) -> None:
    with Front(library, files) as first, Front(library, files, MMRETRIEVAL_MAX_PAGES="7") as second:
        assert "problems" not in first.call("status")
        assert "another max_pages than the engine" in " ".join(second.call("status")["problems"])
        assert second.engine() == first.engine()


def test_an_engine_that_nobody_else_uses_is_replaced_for_other_settings(
    endpoint: Endpoint, library: Path, files: Path
) -> None:
    with Front(library, files, MMRETRIEVAL_ENGINE_IDLE_S="60") as front:
        engine = front.engine()
    with Front(library, files, MMRETRIEVAL_MAX_PAGES="7", MMRETRIEVAL_ENGINE_IDLE_S="1") as front:
        assert front.engine() != engine
        assert "problems" not in front.call("status")


def test_a_setting_that_makes_no_sense_is_told_to_the_client_that_gave_it(
    endpoint: Endpoint, library: Path, files: Path
) -> None:
    with Front(library, files) as good, Front(library, files, stateless=True, MMRETRIEVAL_WORKERS="none") as bad:
        with pytest.raises(ToolFailed, match="workers: Input should be a valid integer"):
            bad.call("status")
        assert good.paths("red") == []


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"GET / HTTP/1.1\r\n\r\n", b"[1]\n", b"[" * 20_000 + b"\n", b'{"mmretrieval": 99}\n', b"\xff\n"],
)
def test_a_stranger_on_the_socket_disturbs_nobody(endpoint: Endpoint, library: Path, files: Path, line: bytes) -> None:
    with Front(library, files) as front:
        stranger = endpoint.connect()
        assert stranger is not None
        with stranger:
            stranger.sendall(line)
            stranger.shutdown(socket.SHUT_WR)
            answer = stranger.recv(65536)
            assert answer == b"" or "error" in json.loads(answer)
        assert len(front.tools()) == 7


def test_the_first_client_brings_the_settings_and_not_who_asked_the_engine_before(
    endpoint: Endpoint, library: Path
) -> None:
    lock = endpoint.elect()
    assert lock is not None
    launch_engine(endpoint, lock, ENGINE)
    assert ask_engine(endpoint, "state")["clients"] == []
    connection, answer = connect_to_engine(endpoint, hello({"max_pages": 7}), start=False)
    with connection:
        assert answer["differs"] == []
    ask_engine(endpoint, "leave")


def test_what_comes_along_with_a_stranger_is_closed(endpoint: Endpoint, library: Path, files: Path) -> None:
    reader, writer = os.pipe()
    with Front(library, files) as front:
        assert len(front.tools()) == 7
        stranger = endpoint.connect()
        assert stranger is not None
        with stranger:
            socket.send_fds(stranger, [b"no hello\n"], [writer])
            os.close(writer)
            until(lambda: select.select([reader], [], [], 0)[0] != [])
        assert os.read(reader, 1) == b""
    os.close(reader)


def test_an_unknown_question_is_refused(endpoint: Endpoint, library: Path, files: Path) -> None:
    with Front(library, files), pytest.raises(EngineUnavailable, match="does not know this question"):
        ask_engine(endpoint, "weather")


# -- a library that cannot be used ------------------------------------------------------------------------------------


def test_a_library_that_another_process_holds_is_told_by_each_call_and_tried_again(
    endpoint: Endpoint, library: Path, files: Path
) -> None:
    from mcp_mmretrieval.config.settings import Settings
    from mcp_mmretrieval.library import Library
    from tests.support.models import ModelsByHand

    settings = Settings.read(library=library, roots=(files,), workers=1)
    with Front(library, files) as front:
        with Library.open(settings=settings, models=ModelsByHand(settings)):
            assert len(front.tools()) == 7
            with pytest.raises(ToolFailed, match=f"pid {os.getpid()}"):
                front.call("status")
        assert front.call("add_documents")["added"] == 2


def test_a_library_folder_that_is_none_is_told_by_each_call(tmp_path: Path, files: Path) -> None:
    library = tmp_path / "file"
    library.write_text("no folder")
    with ended_engine(library) as endpoint, Front(library, files) as front:
        assert len(front.tools()) == 7
        with pytest.raises(ToolFailed, match="cannot be used as the library folder"):
            front.call("status")
        assert endpoint.state()["log"] == endpoint.spare_log


# -- clients that come and go -----------------------------------------------------------------------------------------


def test_a_client_that_stops_reading_holds_up_nobody(endpoint: Endpoint, library: Path, files: Path) -> None:
    (files / "long.txt").write_text("red green blue\n" * 2_000)
    with Front(library, files) as front, Front(library, files) as deaf:
        front.call("add_documents")
        until(lambda: front.call("status")["pending_vectors"] == 0)
        for _ in range(150):
            deaf.send("tools/call", name="open_media", arguments={"targets": ["long.txt"]})
        assert front.paths("red")[0] == "red.txt"
        deaf.kill()
        until(lambda: len(ask_engine(endpoint, "state")["clients"]) == 1)  # type: ignore[arg-type]
        assert front.paths("blue")[0] == "blue.txt"


def test_the_folder_of_sockets_may_be_cleared_and_the_engine_is_found_again(
    endpoint: Endpoint, library: Path, files: Path
) -> None:
    with Front(library, files) as front:
        engine = front.engine()
        for path in (endpoint.socket_path, endpoint.state_path, endpoint.lock_path):
            Path(path).unlink()
        until(lambda: Path(endpoint.socket_path).exists())
        with Front(library, files) as another:
            assert another.engine() == engine == front.engine()
        assert endpoint.held()


def test_an_engine_without_its_lock_is_not_begun(endpoint: Endpoint, library: Path, files: Path) -> None:
    with Front(library, files) as front:
        second = subprocess.run([*ENGINE, str(library)], timeout=60, check=False)
        assert second.returncode == 1
        assert front.engine() == endpoint.state()["pid"]


def test_an_engine_that_does_not_come_up_is_told_after_three_tries(endpoint: Endpoint) -> None:
    with pytest.raises(EngineUnavailable, match="ends while it starts"):
        connect_to_engine(endpoint, hello({}), engine=(sys.executable, "-c", "raise SystemExit('no')"))


# -- what passes through a front --------------------------------------------------------------------------------------


def test_progress_and_cancellation_pass_through_the_front(endpoint: Endpoint, library: Path, files: Path) -> None:
    for number in range(400):
        (files / f"{number}.txt").write_text(f"note {number} red\n" * 50)
    with Front(library, files) as front, Front(library, files) as other:
        asked = front.send("tools/call", name="add_documents", arguments={}, _meta={"progressToken": "p"})
        progress = front.hear_method("notifications/progress")
        assert progress["params"]["progressToken"] == "p"
        front.write(
            {
                "jsonrpc": "2.0",
                "method": "notifications/cancelled",
                "params": {"requestId": asked, "reason": "the person changed their mind"},
            }
        )
        until(lambda: other.call("status")["jobs"][0]["state"] == "cancelled")
        assert other.call("status")["jobs"][0]["added"] < 402


def test_a_front_that_goes_leaves_its_job_running(endpoint: Endpoint, library: Path, files: Path) -> None:
    for number in range(100):
        (files / f"{number}.txt").write_text(f"note {number} red\n" * 50)
    with Front(library, files) as other:
        front = Front(library, files)
        front.send("tools/call", name="add_documents", arguments={}, _meta={"progressToken": "p"})
        front.hear_method("notifications/progress")
        front.kill()
        front.close()
        until(lambda: other.call("status")["jobs"][0]["state"] == "done")
        assert other.call("status")["jobs"][0]["added"] == 102


def test_a_job_goes_on_under_its_id_when_the_engine_was_killed(endpoint: Endpoint, library: Path, files: Path) -> None:
    for number in range(150):
        (files / f"{number}.txt").write_text(f"note {number} red\n" * 50)
    with Front(library, files, stateless=True) as front:
        asked = front.send("tools/call", name="add_documents", arguments={})
        until(lambda: reach_state(endpoint))
        with Front(library, files) as other:
            until(lambda: other.call("status")["jobs"] and other.call("status")["jobs"][0]["added"] > 3)
            job = other.call("status")["jobs"][0]["job"]
            os.kill(int(str(endpoint.state()["pid"])), signal.SIGKILL)
            with pytest.raises(ToolFailed, match="Ask again"):
                front.answer(asked)
            again = front.call("add_documents")
            assert (again["state"], again["job"]) == ("done", job)
            assert again["added"] + again["unchanged"] == 152
            assert other.call("list_documents", limit=1)["total"] == 152


def reach_state(endpoint: Endpoint) -> bool:
    return bool(endpoint.state())


def test_a_library_of_a_newer_version_is_told_by_each_call(endpoint: Endpoint, library: Path, files: Path) -> None:
    with Front(library, files) as front:
        front.call("add_documents")
    until(lambda: not endpoint.held())
    with sqlite3.connect(library / "catalog.db") as catalog:
        catalog.execute("PRAGMA user_version = 99")
    catalog.close()
    with Front(library, files) as front:
        assert len(front.tools()) == 7
        for _ in range(2):
            with pytest.raises(ToolFailed, match="newer"):
                front.call("search_media", query="red")


# -- recordings -------------------------------------------------------------------------------------------------------


def test_the_engine_opens_a_recording_and_passes_it_on_within_the_roots_of_who_asks(
    endpoint: Endpoint, library: Path, files: Path, tmp_path: Path
) -> None:
    (files / "call.wav").write_bytes(recordings.sound("wav", 3.0))
    with Front(library, files) as front:
        front.call("add_documents")
        given: dict[str, object] = {"library": str(library), "roots": [str(files)]}
        fd, told = open_recording(given, "call.wav#t=0.0,3.0")
        with os.fdopen(fd, "rb") as passed:
            assert os.path.samestat(os.fstat(fd), (files / "call.wav").stat())
            assert fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY
            assert told == {"media_type": "audio/wav", "bytes": len(passed.read())}
        for target in ("red.txt", "/etc/passwd", str(library / "catalog.db"), "../library/catalog.db"):
            with pytest.raises(EngineUnavailable):
                open_recording(given, target)
        with pytest.raises(EngineUnavailable, match="not in the library"):
            open_recording({**given, "roots": [str(tmp_path / "elsewhere")]}, str(files / "call.wav"))
