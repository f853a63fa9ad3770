"""What is said where the server of the index does not answer as it should: one line each, with what to do."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcp_mmretrieval.config.index_address import IndexServer
from mcp_mmretrieval.store.chroma_rest import ChromaRest, NotThere
from mcp_mmretrieval.store.index_backend import IndexAway
from tests.support.chroma_server import Answer, ChromaFront, ChromaServer, free_port

HEARTBEAT, CAPS = b'{"nanosecond heartbeat": 1}', b'{"max_batch_size": 300}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChromaServer]:
    server = ChromaServer(tmp_path_factory.mktemp("chroma") / "data")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def front(server: ChromaServer) -> Iterator[ChromaFront]:
    front = ChromaFront(server.port)
    yield front
    front.close()


def reason(server: IndexServer) -> str:
    """Why it cannot be connected to."""
    with pytest.raises(IndexAway) as refused:
        connected(server)
    return str(refused.value)


def connected(server: IndexServer) -> int:
    """How much it takes in one write."""
    with closing(ChromaRest(server)) as rest:
        return rest.connect()


def test_a_chroma_server_tells_how_much_it_takes(server: ChromaServer) -> None:
    assert connected(IndexServer(origin=server.address)) > 1_000


def test_where_nobody_listens_is_told() -> None:
    told = reason(IndexServer(origin=f"http://127.0.0.1:{free_port()}"))
    assert told.startswith("nothing answers at http://127.0.0.1:")
    assert told.endswith("Start the server, or correct MMRETRIEVAL_INDEX.")


def test_a_database_that_is_not_there_is_told(server: ChromaServer) -> None:
    told = reason(IndexServer(origin=server.address, tenant="nobody", database="none"))
    assert told == f"{server.address} has no nobody/none. Make it there, or correct MMRETRIEVAL_INDEX."


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"": (404, b"<html>not here</html>")}, "is no Chroma server, or one before version 1: it has no /api/v2"),
        ({"": (200, b"<html>welcome</html>")}, "is no Chroma server: it answers no JSON. Correct MMRETRIEVAL_INDEX."),
        ({"": (200, b"[]")}, "is no Chroma server: it answers otherwise"),
        ({"heartbeat": (200, HEARTBEAT), "version": (200, b'"0.6.3"')}, "is Chroma 0.6.3. Update it to 1.0 or later."),
        ({"": (302, b"")}, "says 302 Found"),
        ({"": (429, b'{"message": "quota"}')}, "says 429 quota. See the server's log."),
        ({"": (500, b"")}, "says 500 Internal Server Error"),
        ({"": (403, b"")}, "asks for a token. Set MMRETRIEVAL_INDEX_TOKEN."),
    ],
)
def test_a_server_that_is_none_of_chromas_or_does_not_let_us_in_is_told(
    front: ChromaFront, answers: dict[str, Answer], told: str
) -> None:
    known = {"pre-flight-checks": (200, CAPS)} | answers
    front.rule = lambda _, path, __: known.get(path.rpartition("/")[2], answers.get(""))
    assert f"{front.address} {told}" in reason(IndexServer(origin=front.address))


def test_a_token_opens_and_a_wrong_one_is_told(front: ChromaFront) -> None:
    def guarded(_: str, __: str, headers: dict[str, str]) -> Answer | None:
        both = (headers.get("Authorization"), headers.get("x-chroma-token"))
        return None if both == ("Bearer right", "right") else (401, b"")

    front.rule = guarded
    assert connected(IndexServer(origin=front.address, token="right")) > 1_000
    told = reason(IndexServer(origin=front.address, token="wrong-t0ken"))
    assert told == f"{front.address} refuses the token. Correct MMRETRIEVAL_INDEX_TOKEN."


def test_a_name_that_a_proxy_does_not_know_is_not_taken_for_gone(front: ChromaFront) -> None:
    for rule, by_chroma in ((lambda *_: None, True), (lambda *_: (404, b"{}"), False)):
        front.rule = rule
        with closing(ChromaRest(IndexServer(origin=front.address))) as rest, pytest.raises(NotThere) as refused:
            rest.get(f"{rest.database}/collections/none")
        assert refused.value.said_by_chroma is by_chroma


def test_no_answer_is_waited_for_longer_than_allowed_even_if_it_drips(front: ChromaFront) -> None:
    freed = threading.Event()
    front.rule = lambda *_: (200, b"{}") if freed.wait(30) else None
    began = time.monotonic()
    with (
        closing(ChromaRest(IndexServer(origin=front.address))) as rest,
        pytest.raises(IndexAway, match=r"did not answer within 0\.2 s"),
    ):
        rest.get("/heartbeat", seconds=0.2)
    freed.set()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_drip, args=(listener, freed), daemon=True).start()
        freed.clear()
        dripping = IndexServer(origin=f"http://127.0.0.1:{listener.getsockname()[1]}")
        with (
            closing(ChromaRest(dripping)) as rest,
            pytest.raises(IndexAway, match=r"did not answer within 0\.3 s"),
        ):
            rest.get("/heartbeat", seconds=0.3)
        freed.set()
    assert time.monotonic() < began + 20  # not for as long as it would go on


def test_a_search_waits_no_longer_where_the_name_of_the_server_is_looked_up_without_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    freed = threading.Event()

    def slow(*_: object, **__: object) -> list[object]:
        freed.wait(30)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    began = time.monotonic()
    with (
        closing(ChromaRest(IndexServer(origin="https://chroma.example"))) as rest,
        pytest.raises(IndexAway, match=r"did not answer within 0\.2 s"),
    ):
        rest.get("/heartbeat", seconds=0.2)
    assert time.monotonic() < began + 10
    freed.set()


def test_a_head_that_drips_is_not_waited_for() -> None:
    freed = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_drip, args=(listener, freed, b"HTTP/1.1 200 OK\r\nx-slow:"), daemon=True).start()
        dripping = IndexServer(origin=f"http://127.0.0.1:{listener.getsockname()[1]}")
        began = time.monotonic()
        with closing(ChromaRest(dripping)) as rest, pytest.raises(IndexAway, match=r"did not answer within 0\.3 s"):
            rest.get("/heartbeat", seconds=0.3)
        assert time.monotonic() < began + 10
        freed.set()


def test_a_redirect_is_not_followed_so_the_token_goes_nowhere_else() -> None:
    elsewhere, asked = socket.create_server(("127.0.0.1", 0)), threading.Event()
    with elsewhere, socket.create_server(("127.0.0.1", 0)) as listener:
        away = f"http://127.0.0.1:{elsewhere.getsockname()[1]}/"
        elsewhere.settimeout(0.5)
        head = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {away}\r\nContent-Length: 0\r\n\r\n".encode()
        threading.Thread(target=_drip, args=(listener, asked, head), daemon=True).start()
        redirecting = IndexServer(origin=f"http://127.0.0.1:{listener.getsockname()[1]}", token="t0ken")
        assert "says 307 Temporary Redirect" in reason(redirecting)
        asked.set()
        with pytest.raises(TimeoutError):
            elsewhere.accept()


@pytest.mark.parametrize("answer", [(500, b'{"message": "what is\\n t0ken?"}'), (429, b'{"message": "t0ken"}')])
def test_what_a_server_repeats_of_the_token_is_not_passed_on(front: ChromaFront, answer: Answer) -> None:
    front.rule = lambda *_: answer
    told = reason(IndexServer(origin=front.address, token="t0ken"))
    assert "t0ken" not in told
    assert "…" in told
    assert "\n" not in told


def test_an_answer_nested_without_end_is_none(front: ChromaFront) -> None:
    front.rule = lambda *_: (200, b"[" * 100_000)
    assert "answers no JSON" in reason(IndexServer(origin=front.address))


def _drip(
    listener: socket.socket,
    freed: threading.Event,
    head: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(65_536)
        connection.sendall(head)
        try:
            while not freed.wait(0.05):
                connection.sendall(b" ")
        except OSError:
            return


def test_the_environment_names_no_proxy(server: ChromaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    assert connected(IndexServer(origin=server.address)) > 1_000


def test_a_certificate_is_trusted_if_its_authority_is_named(front: ChromaFront, tmp_path: Path) -> None:
    certificate = tmp_path / "server.pem"
    certificate.write_bytes(_self_signed())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    front._server.socket = context.wrap_socket(front._server.socket, server_side=True)
    origin = front.address.replace("http", "https")
    told = reason(IndexServer(origin=origin))
    assert told.startswith(f"{origin} has a certificate that is not trusted (self")
    assert told.endswith("MMRETRIEVAL_INDEX_CA.")
    assert connected(IndexServer(origin=origin, authority=certificate)) > 1_000
    told = reason(IndexServer(origin=origin, authority=tmp_path / "none.pem"))
    assert "none.pem cannot be read as certificates" in told


def _self_signed() -> bytes:
    """A key and a certificate for 127.0.0.1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + made.public_bytes(serialization.Encoding.PEM)
