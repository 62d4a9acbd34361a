"""Composed image retrieval: a picture and words. One reader for each official benchmark, and sets of our own."""
