"""The control words of RTF that stand for letters, for kinds of pictures, and for what is passed over."""

SKIPPED_DESTINATIONS = frozenset(
    [
        *(
            "filetbl",
            "listtable",
            "listoverridetable",
            "nonesttables",
            "nonshppict",
            "shprslt",
            "template",
            "themedata",
        ),
        *(
            "xe",
            "tc",
            "rxe",
            "txe",
            "private",
            "objdata",
            "objclass",
            "objname",
            "fldinst",
            "ftnsep",
            "ftnsepc",
            "ftncn",
        ),
        *("aftnsep", "aftnsepc", "aftncn", "datafield", "mmathPict", "generator", "bkmkstart", "pn"),
    ]
)
STARRED_DESTINATIONS = frozenset(
    [
        *(
            "shppict",
            "shpinst",
            "shptxt",
            "annotation",
            "atnauthor",
            "do",
            "dptxbxtext",
            "moMath",
            "moMathPara",
            "mmath",
        ),
        *("picprop", "pict", "fldrslt", "footnote", "listtext", "pntext"),
    ]
)
"""Destinations that are read although a reader may pass over them."""
WORDS_FOR_LETTERS = {
    "tab": "\t",
    "line": "\n",
    "page": "\n",
    "column": "\n",
    "softline": "\n",
    "emdash": "\u2014",
    "endash": "\u2013",
    "lquote": "\u2018",
    "rquote": "\u2019",
    "ldblquote": "\u201c",
    "rdblquote": "\u201d",
    "bullet": "\u2022",
    "emspace": " ",
    "enspace": " ",
    "qmspace": " ",
    "nestcell": ", ",
    "nestrow": "; ",
}
SYMBOLS_FOR_LETTERS = {"~": " ", "_": "-", "\\": "\\", "{": "{", "}": "}", "-": ""}
PICTURE_SUFFIXES = {"pngblip": ".png", "jpegblip": ".jpg", "emfblip": ".emf", "wmetafile": ".wmf", "macpict": ".emf"}
