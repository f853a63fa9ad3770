"""Names of what nobody wants an assistant to read: keys, passwords, and where they lie."""

from __future__ import annotations

import fnmatch
import re

SECRETS_RULE = "keys and secrets"
"""The rule that leaves them out, as it is counted."""

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


def is_secret(name: str, *, is_folder: bool) -> bool:
    """Whether a name is one of files or folders with keys and passwords."""
    lower = name.lower()
    return lower in _SECRET_FOLDERS if is_folder else _SECRET.match(lower) is not None
