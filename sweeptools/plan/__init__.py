"""From the text of a pipeline to what running it will take, before a voxel moves."""
