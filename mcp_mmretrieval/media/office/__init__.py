"""Office files: word processing, as containers of XML and as the binary formats of before."""
