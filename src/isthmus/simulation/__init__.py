"""Worlds with planted truth, written as a corpus or as files of a source."""
