"""The corpus: bibliographic records as Parquet tables."""
