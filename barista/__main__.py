"""`python -m barista` is the command `barista`."""

from barista.cli import run

if __name__ == "__main__":
    run()
