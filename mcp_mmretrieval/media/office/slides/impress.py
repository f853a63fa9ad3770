"""Slides as LibreOffice draws them: a program that reads a deck from its standard input and writes a PDF to its output.

It is started by `drawn.py` for one deck, and locks itself and LibreOffice in before it reads: no network, a folder for
temporary files that is memory and nobody else's, nothing else to write, no file of a person to read.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from mcp_mmretrieval.front.child import start_child
from mcp_mmretrieval.media import sandbox

MAX_PDF_BYTES = 100_000_000
"""Bytes of the PDF of a deck."""
MEMORY_BYTES = 4_000_000_000
"""Address space of LibreOffice, most of which it never touches."""
DRAWING_SECONDS = 60
"""Seconds that LibreOffice may take: a deck takes 2 to 10."""
NOT_LOCKED, NOT_DRAWN = 3, 4
"""What the program ends with where it cannot be locked in, and where LibreOffice makes no PDF of the deck."""
_SETTINGS_FOLDERS = ("/etc/libreoffice", "/var/lib/libreoffice")
"""Where Debian keeps what belongs to the program."""
_FOLDER = Path(sandbox.PRIVATE_FOLDER)
_FILTER = 'pdf:impress_pdf_Export:{"ExportHiddenSlides":{"type":"boolean","value":"true"}}'
"""Hidden slides count as well, so that each page is the slide of its number (LibreOffice 7.4 and later)."""
_SECURITY = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting">
<prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop>
<prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop>
</item>
</oor:items>
"""


def main() -> None:
    """The arguments: where LibreOffice lies, the suffix of the deck, and the process that started this one."""
    program, suffix, parent = sys.argv[1:4]
    folders = [str(Path(program).resolve().parents[1]), *_SETTINGS_FOLDERS]
    bounds = {"memory_bytes": MEMORY_BYTES, "seconds": DRAWING_SECONDS, "file_bytes": MAX_PDF_BYTES}
    if not sandbox.lock_down_program(**bounds, parent=int(parent), folders=folders):
        sys.exit(NOT_LOCKED)
    deck, profile = _FOLDER / f"deck{suffix}", _FOLDER / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_SECURITY)
    with deck.open("wb") as copy:
        shutil.copyfileobj(sys.stdin.buffer, copy)
    command = [program, f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore", "--nologo"]
    command += ["--nolockcheck", "--nodefault", "--convert-to", _FILTER, "--outdir", str(_FOLDER), str(deck)]
    variables = {"HOME": str(_FOLDER), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    try:
        start_child(command, variables, stderr=subprocess.DEVNULL).wait(DRAWING_SECONDS)
        with deck.with_suffix(".pdf").open("rb") as pdf:
            shutil.copyfileobj(pdf, sys.stdout.buffer)
    except (OSError, subprocess.TimeoutExpired):
        sys.exit(NOT_DRAWN)


if __name__ == "__main__":
    main()
