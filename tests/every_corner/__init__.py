"""A folder of 120 files of all kinds that people have, with a word of its own in every corner: header, cell, note, alt text."""
