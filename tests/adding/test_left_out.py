"""Names that are left out wherever they lie."""

from pathlib import Path

import pytest

from tests.support.walking import found, make, skipped

SECRETS = [
    *("id_rsa", "id_ed25519", "id_rsa.pub", "server.pem", "server.KEY", "vault.kdbx", ".env", ".env.local", "prod.env"),
    *("credentials", "credentials.json", "client_secret_1.json", ".netrc", ".git-credentials", "secrets.yaml"),
    *(".ssh/config", ".aws/config", "home/.gnupg/notes.txt", "ID_RSA", "store.jks", ".npmrc"),
]


def test_hidden_files_and_folders_are_left_out_and_counted(root: Path) -> None:
    make(root, "a.txt", ".hidden.txt", ".git/config", ".cache/x.txt")
    assert found(root) == ["a.txt"]
    assert skipped(root) == {".hidden.txt": "hidden", ".git": "hidden", ".cache": "hidden"}


def test_packages_and_virtual_environments_are_left_out(root: Path) -> None:
    make(root, "a.txt", "node_modules/x/readme.md", "env/pyvenv.cfg", "env/lib/x.txt", "py/__pycache__/x.pyc")
    make(root, "conda/conda-meta/history", "conda/x.txt")
    assert found(root) == ["a.txt"]
    rules = skipped(root)
    assert rules["env"] == rules["conda"] == "virtual environment"
    assert rules["node_modules"] == "node_modules"


@pytest.mark.parametrize("name", SECRETS)
def test_keys_and_secrets_are_left_out_even_when_they_are_named(root: Path, name: str) -> None:
    make(root, name)
    for named in ((), (name,), (str(root / name),), (f"**/{Path(name).name}",)):
        assert found(root, *named) == []
    assert "keys and secrets" in skipped(root, name).values()


def test_a_link_with_a_harmless_name_does_not_give_a_secret_away(root: Path) -> None:
    make(root, ".ssh/id_rsa", "keys/id_rsa")
    (root / "notes.txt").symlink_to("keys/id_rsa")
    (root / "folder").symlink_to(".ssh")
    assert found(root) == found(root, "notes.txt", "folder", "folder/id_rsa") == []


def test_ordinary_names_that_resemble_secrets_are_found(root: Path) -> None:
    names = ["environment.md", "key.txt", "keynote.pdf", "monkey.png", "secrets of the sea.txt", "credentials.md"]
    make(root, *names)
    assert found(root) == sorted(names)


def test_what_systems_and_browsers_leave_is_left_out(root: Path) -> None:
    left = ("~$report.docx", "Thumbs.db", "way.lnk", "film.mp4.crdownload", "film.mkv.part", "Icon\r", "Desktop.ini")
    make(root, "a.txt", *left, "$RECYCLE.BIN/b.txt")
    assert found(root) == ["a.txt"]
    assert skipped(root) == dict.fromkeys((*left, "$RECYCLE.BIN"), "system and unfinished files")
