"""Small clips of everything that cameras, editors and codecs do, each with its truth."""
