"""How figures are drawn and written: one style, equal bytes for equal inputs."""
