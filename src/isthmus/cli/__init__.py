"""The verbs, and what the terminal shows."""


def main() -> None:
    """Run the command line."""
    from isthmus.cli.verbs import main as run

    run()
