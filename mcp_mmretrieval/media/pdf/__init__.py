"""PDF: PDFium opens, reads and draws it; what its text layer means is found out here.

`reader` is the reader of `media`; the other modules each answer one question of a page or of the document.
"""
