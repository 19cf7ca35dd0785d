"""The report generator: reads a store, writes one self-contained page. Never imports torch."""
