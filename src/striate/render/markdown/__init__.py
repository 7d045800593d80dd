"""Markdown: a model card."""
