"""What a study will take."""
