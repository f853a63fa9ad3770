"""Names that are left out wherever they lie: keys and secrets, hidden files, what systems and packages leave."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection

SECRETS_RULE = "keys and secrets"
"""The rule that leaves out what nobody wants an assistant to read."""
_SYSTEM_RULE = "system and unfinished files"

_SECRET = re.compile(
    "|".join(
        fnmatch.translate(pattern)
        for pattern in (
            *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.ppk"),
            *("*.keystore", "*.kdbx", "*.kdb", "*.gpg", "*.pgp", "*.ovpn", "*.tfstate", "*.agekey", "wallet.dat"),
            *(".env", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".npmrc", ".pypirc", ".pgpass", ".my.cnf"),
            *(".htpasswd", ".git-credentials", ".dockercfg", ".vault-token", "credentials", "credentials.json"),
            *("credentials.csv", "credentials.db", "client_secret*.json", "service[-_]account*.json"),
            *("secrets.json", "secrets.toml", "secrets.ini", "secrets.yml", "secrets.yaml"),
            *("shadow", "authorized_keys", "login.keychain*", "logins.json", "key[34].db"),
        )
    )
)
"""Names, in lower case, of files with keys and passwords."""
_SECRET_FOLDERS = {".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".password-store", ".gcloud"}
_SYSTEM = re.compile(
    "|".join(
        fnmatch.translate(pattern)
        for pattern in (
            *("~$*", "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r", "*.lnk"),
            *("*.crdownload", "*.part", "*.partial", "*.download", "*.opdownload", "*.!ut", "$recycle.bin"),
            "system volume information",
        )
    )
)
"""Names, in lower case, of what systems and browsers leave in folders: locks, thumbnails, unfinished downloads."""
_PACKAGE_FOLDERS = {"node_modules", "__pycache__", "__MACOSX"}
_ENVIRONMENT_MARKS = {"pyvenv.cfg", "conda-meta"}


def is_secret(name: str, *, is_folder: bool) -> bool:
    """Whether a name is one of files or folders with keys and passwords."""
    lower = name.lower()
    return lower in _SECRET_FOLDERS if is_folder else _SECRET.match(lower) is not None


def name_rule(name: str, *, is_folder: bool) -> str:
    """The rule that leaves out what is called so, or empty."""
    if is_secret(name, is_folder=is_folder):
        return SECRETS_RULE
    if name.startswith("."):
        return "hidden"
    if is_folder and name in _PACKAGE_FOLDERS:
        return name
    return _SYSTEM_RULE if _SYSTEM.match(name.lower()) else ""


def holds_environment(names: Collection[str]) -> bool:
    """Whether a folder that holds these names is a virtual environment."""
    return not _ENVIRONMENT_MARKS.isdisjoint(names)
