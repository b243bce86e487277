"""The works of a field from the OpenAlex API: queries, requests, pages kept on disk."""
