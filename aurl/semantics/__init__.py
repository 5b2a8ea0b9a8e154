"""Class names -> class embeddings, and the strict-label filter."""
