"""`python -m isthmus`: the command line."""

from isthmus.cli.verbs import main

main()
