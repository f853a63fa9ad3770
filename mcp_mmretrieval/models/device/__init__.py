"""What a model computes on: one scheduler a device, its batches and their cost, its memory, and its loss."""
