"""Composed queries, a picture and words: one file for each method, named after its paper. numpy, nothing trained."""
