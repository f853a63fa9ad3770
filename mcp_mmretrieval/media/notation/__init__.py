"""What a text says behind its notation: escapes, entities, transfer encodings, tables; and where that stands."""
