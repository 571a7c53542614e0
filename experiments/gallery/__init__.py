"""One short script per question, each with its picture in docs/gallery.md: `python -m experiments.gallery.gain`."""
