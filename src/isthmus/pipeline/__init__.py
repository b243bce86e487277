"""The steps of a study in order: resume, progress and usage."""
