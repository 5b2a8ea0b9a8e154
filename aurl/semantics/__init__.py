"""Class name -> tokens -> class embedding, and the strict-label filter."""
