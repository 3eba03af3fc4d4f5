"""The command line: a file for each group of commands. Commands parse their options and call the package."""
