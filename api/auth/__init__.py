"""Who calls: names and roles (`names`), accounts and their tokens (`accounts`), the header with a token (`bearer`)."""
