"""Hypothesis strategies, for those who want to test rules of their own.

This package alone imports Hypothesis (`pip install hypothesis`); nothing that a
restore needs imports this package.
"""
