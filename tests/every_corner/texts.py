"""Mail, books, notebooks, contacts, calendars, archives, and plain texts in their notations."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Mapping
from email.message import EmailMessage

from tests.every_corner.pictures import words_picture
from tests.every_corner.planting import Corners, Planter
from tests.support.media_files import pdf

FILLER = "The tide was late that day, and the crew waited on the quay. "


def plant_texts(planter: Planter) -> None:
    for number in range(6):
        corners = planter.open(f"mail/message {number}.eml")
        corners.write(message(corners, deep=True).as_bytes())
    for number in range(3):
        corners = planter.open(f"mail/html-{number}.eml")
        corners.write(html_message(corners).as_bytes())
    for number in range(3):
        corners = planter.open(f"mail/box{number}.mbox")
        corners.write(
            b"".join(
                b"From ada@example.org Sat Jan  3 01:05:34 2026\n" + message(corners).as_bytes() + b"\n" for _ in "123"
            )
        )
    for number in range(4):
        book(planter.open(f"books/book {number}.epub"))
        notebook(planter.open(f"work/notebook{number}.ipynb"))
        contacts(planter.open(f"people/contacts{number}.vcf"))
        calendar(planter.open(f"people/calendar{number}.ics"))
        archive(planter.open(f"kept/archive {number}.zip"))
        notations(planter, number)


def message(corners: Corners, *, deep: bool = False) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = f"{corners['sender'].title()} <ada@example.org>"
    mail["To"] = "crew@example.org"
    mail["Subject"] = f"About {corners['subject']}"
    mail["Date"] = "Sat, 03 Jan 2026 01:05:34 +0000"
    mail.set_content(f"{FILLER}\nAsk {corners['body']} about it.\n")
    mail.add_attachment(f"Rope and {corners['attached text']}.\n", filename=f"{corners['name of an attachment']}.txt")
    if deep:
        mail.add_attachment(
            pdf([f"A page of the plan by {corners['attached PDF']}."]),
            maintype="application",
            subtype="pdf",
            filename="plan.pdf",
        )
        mail.add_attachment(
            words_picture(corners.drawn("attached picture")), maintype="image", subtype="png", filename="sign.png"
        )
        box = zipped({"in it.txt": f"Found by {corners['text in an attached archive']}."})
        mail.add_attachment(box, maintype="application", subtype="zip", filename="box.zip")
        inner = EmailMessage()
        inner["Subject"] = f"Fwd: {corners['subject of an attached mail']}"
        inner.set_content(f"Then {corners['body of an attached mail']} left.\n")
        inner.add_attachment(f"At last {corners['attachment of an attachment']}.\n", filename="last.txt")
        mail.add_attachment(inner)
    return mail


def html_message(corners: Corners) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "ada@example.org", f"News of {corners['subject']}"
    mail.set_content(
        f"<html><body><p>{FILLER}</p><table><tr><td>Gate</td><td>{corners['table cell']}</td></tr></table>"
        f'<img src="cid:1" alt="A sign for {corners["alt text"]}"></body></html>',
        subtype="html",
    )
    return mail


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def archive(corners: Corners) -> None:
    corners.write(
        zipped(
            {
                "notes/a.md": f"# On {corners['heading in it']}\n\n{FILLER}{corners['note in it']}.\n",
                "plan.pdf": pdf([f"A plan of {corners['PDF in it']} and its quay."]),
                "sign.png": words_picture(corners.drawn("picture in it")),
                "deeper.zip": zipped({"b.txt": f"Down here is {corners['archive in it']}."}),
            }
        )
    )


def book(corners: Corners) -> None:
    page = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{0}</title></head><body>{1}</body></html>'
    corners.write(
        zipped(
            {
                "mimetype": "application/epub+zip",
                "META-INF/container.xml": '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
                '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
                "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata '
                f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A book of {corners["title"]}</dc:title><dc:creator>'
                f"{corners['author']}</dc:creator></metadata><manifest>"
                '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/>'
                '<item id="b" href="b%20c.xhtml" media-type="application/xhtml+xml"/>'
                '<item id="p" href="sign.png" media-type="image/png"/></manifest>'
                '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>',
                "OEBPS/a.xhtml": page.format(
                    "One", f"<h1>Of {corners['chapter heading']}</h1><p>{FILLER}{corners['chapter']}.</p>"
                ),
                "OEBPS/b c.xhtml": page.format(
                    "Two",
                    f"<h1>Later</h1><p>{FILLER}{corners['second chapter']}.</p><aside>{corners['footnote']} says so.</aside>"
                    f'<img src="sign.png" alt="A sign: {corners["alt text"]}"/>',
                ),
                "OEBPS/sign.png": words_picture(corners.drawn("picture")),
            }
        )
    )


def notebook(corners: Corners) -> None:
    picture = base64.b64encode(words_picture(corners.drawn("picture of an output"))).decode()
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": [f"# Tides of {corners['heading']}\n", FILLER]},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 1,
            "source": [f"{corners['name in code']} = 4\n", f"# after {corners['comment in code']}"],
            "outputs": [
                {"output_type": "stream", "name": "stdout", "text": [f"told {corners['output']}\n"]},
                {
                    "output_type": "display_data",
                    "metadata": {},
                    "data": {"image/png": picture, "text/plain": ["<Figure>"]},
                },
            ],
        },
    ]
    corners.write(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}))


def contacts(corners: Corners) -> None:
    corners.write(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada " + corners["name"].title() + "\r\nN:X;Ada;;;\r\nORG:" + corners["company"]
        + "\r\nNOTE:Met at " + corners["note"] + "\r\nEND:VCARD\r\n"
        "BEGIN:VCARD\r\nVERSION:2.1\r\nFN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:J=C3=BCrgen " + corners["second name"].title()
        + "\r\nADR;WORK:;;Quay 4;" + corners["town"].title() + ";;;\r\nEND:VCARD\r\n"
    )  # fmt: skip


def calendar(corners: Corners) -> None:
    corners.write(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nDTSTART:20260103T100000Z\r\nSUMMARY:Talk with " + corners["summary"]
        + "\r\nLOCATION:" + corners["location"] + "\r\nDESCRIPTION:Bring rope\\, and " + corners["description"]
        + "\r\nATTENDEE;CN=" + corners["guest"].title() + ":mailto:a@example.org\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )  # fmt: skip


def notations(planter: Planter, number: int) -> None:
    corners = planter.open(f"notes/note {number}.md")
    rows = "".join(f"| rope {row} | {row} |\n" for row in range(120))
    corners.write(
        f"---\ntitle: Notes of {corners['title']}\n---\n\n# On {corners['heading']}\n\n{FILLER * 9}\n\n- bring {corners['item']}\n\n"
        f"```\nfrom {corners['code']} import rope\n```\n\n| Item | {corners['column']} |\n|---|---|\n{rows}"
        f"| {corners['last row']} | 3 |\n\n{FILLER * 9}{corners['end']}.\n"
    )
    corners = planter.open(f"notes/page {number}.html")
    corners.write(
        f"<!DOCTYPE html><html><head><title>Page of {corners['title']}</title></head><body><h1>{corners['heading']}</h1>"
        f"<p>{FILLER}</p><table><tr><th>Gate</th></tr><tr><td>{corners['cell']}</td></tr></table>"
        f'<img alt="A view of {corners["alt text"]}"><details><summary>More</summary>{corners["details"]}</details></body></html>'
    )
    corners = planter.open(f"notes/plain {number}.txt")
    corners.write(f"{FILLER * 30}\n\nHere {corners['middle']} stood.\n\n{FILLER * 30}\n{corners['end']}")
    corners = planter.open(f"figures/table {number}.csv")
    lines = [f"rope {row},{row}" for row in range(300)]
    corners.write("\n".join([f"Item,{corners['column']}", *lines, f"{corners['last row']},7"]))
    corners = planter.open(f"work/settings{number}.json")
    corners.write(json.dumps({"gate": {"keeper": corners["value"], corners["key"]: 3}}))
    corners = planter.open(f"work/program{number}.py")
    corners.write(
        f'"""Opens the {corners["docstring"]}."""\n\n\ndef open_{corners["name"]}():\n    return "{corners["string"]}"\n'
    )
    corners = planter.open(f"work/paper{number}.tex")
    corners.write(
        f"\\documentclass{{article}}\\title{{On {corners['title']}}}\\begin{{document}}\\section{{{corners['section']}}} "
        f"{FILLER}\\footnote{{{corners['footnote']}}}\\end{{document}}"
    )
