"""Pictures: found, decoded, split, stored, augmented, served in batches. Imports recipe, spec, errors."""
