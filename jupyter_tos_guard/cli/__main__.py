"""``python -m jupyter_tos_guard.cli``: for when the console script is not on the path."""

from jupyter_tos_guard.cli.app import main

if __name__ == "__main__":
    main()
