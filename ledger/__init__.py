"""The evidence ledger: from an act to an entry, a signed checkpoint, a receipt and a bundle."""
