"""``jupyter-book`` without the seconds that ``tools`` saves a program at its start.

python -m tools.book build .
"""

from jupyter_book.cli.main import main

if __name__ == "__main__":
    main(prog_name="jupyter-book")
