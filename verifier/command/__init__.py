"""The subcommands of `evidence-verify`: what each takes, does and prints."""
