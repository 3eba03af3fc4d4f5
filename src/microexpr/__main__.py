"""`python -m microexpr` is the command `microexpr`."""

from .cli.main import main

if __name__ == "__main__":
    main()
