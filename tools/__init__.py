"""Programs for people who work on Quarterdeck; the product itself never imports them."""
