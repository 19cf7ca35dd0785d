"""The command line: a file or a package for each command, exporting `command`; `main.COMMANDS` has their order."""
