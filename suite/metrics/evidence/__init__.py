"""The records of what stands beside the numbers: one for the notes of each metric. Light to import.

A field that is None was not recorded then (`suite.evidence`); which metric has which record says
`records.RECORDS`.
"""
