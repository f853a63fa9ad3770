"""Models of the Hugging Face Hub, or of a folder, behind the seams: embedders, rerankers, OCR and speech."""
