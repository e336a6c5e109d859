"""Secrets in an image: in the files of every layer, and in the image's config."""
