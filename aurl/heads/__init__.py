"""The numerics that several methods on stored features share."""
