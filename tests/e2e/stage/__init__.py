"""A stage for the browser side alone: the product's templates and scripts, made-up rows, a socket to speak through."""
