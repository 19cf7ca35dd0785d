"""A network as a drawing, from a resolved architecture and what its layers were found to cost; light to import."""
