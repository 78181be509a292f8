"""SimpleITK's six deconvolution filters, and their twins by FFT."""
