"""Methods of strategy joint: they invert the spatially variant blur itself."""
