"""Fitting the judge of a profile on labelled photographs."""
