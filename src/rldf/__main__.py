"""`python -m rldf`: the command line."""

from rldf.cli.main import app

if __name__ == "__main__":
    app()
