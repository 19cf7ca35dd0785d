"""The language of variants: YAML files in, frozen records out. Never imports torch."""
