"""Fetching works from the OpenAlex API: the queries, the wire, and pages kept on disk."""
