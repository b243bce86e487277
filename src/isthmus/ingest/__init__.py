"""Ingest: bibliographic records of any source in, a corpus out."""
