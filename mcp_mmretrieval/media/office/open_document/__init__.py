"""OpenDocument texts and presentations (ODF 1.3)."""
