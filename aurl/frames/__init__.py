"""Reading video, the packed frame store, and which frames make a clip."""
