"""The command line: one file a command, each exporting `command`; see `main.COMMANDS` for their order."""
