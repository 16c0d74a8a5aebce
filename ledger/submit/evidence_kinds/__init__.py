"""Kinds of evidence, one file each: which requisites courts ask of it, and why. Data, read by `ledger.submit.kinds`.

title = "a page of a site"

[[requisite]]
name = "requisite.address"
also = ["declared.address"]         # what says the same
reason = "courts ask for the exact address, or the steps that lead to the page"
"""
