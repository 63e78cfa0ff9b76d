"""Tests; the folders mirror those of the product and of the tools."""
