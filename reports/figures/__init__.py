"""The plots of the page: plain values in, one small SVG out, coloured by the page's own style sheet."""
