"""The steps of a study in order: resumed, told and measured."""
