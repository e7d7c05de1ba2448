"""Other people's documents, read and written without loss."""
