"""Reading well-formed OpenAlex works straight from bytes into columns, compiled."""
