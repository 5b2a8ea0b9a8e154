"""Run `python -m aurl.cli` as the command `aurl`."""

from aurl.cli import main

if __name__ == "__main__":
    main()
