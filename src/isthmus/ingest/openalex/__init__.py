"""Reading OpenAlex records."""
