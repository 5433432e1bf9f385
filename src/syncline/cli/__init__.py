"""The command line as it is typed: options and nothing else. What a command does is in commands/."""
